package dev.lockstep.device;

import java.util.List;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaException;
import dev.lockstep.cuda.PeerMemory;
import dev.lockstep.device.PeerSums.Offer;
import dev.lockstep.host.HostName;
import dev.lockstep.world.Group;

/**
 * What two ranks' GPUs give each other by their copy engines: NCCL and kernels take multiprocessors for as long as values are
 * under way, and products beside them take longer by about that.
 */
public final class CopyExchange {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceSums.class);
    private static final int RANKS = 2;
    // a rank's memory: of each slot a word that the other rank sets, then the slots
    private static final long WORD_STRIDE = 256;
    private static final long BEFORE = 4096;
    private static final int CHECKED = 64;

    private final PeerMemory own;
    private final long other;
    private final long slotBytes;
    private int turn;

    private CopyExchange(PeerMemory own, long other, long slotBytes) {
        this.own = own;
        this.other = other;
        this.slotBytes = slotBytes;
    }

    /**
     * Of two ranks of one host; null where that cannot be, or where one has not the memory. A collective.
     *
     * @param slots     places for what is under way, up to 16
     * @param slotBytes the most that one gives the other at a time
     */
    static @Nullable CopyExchange connect(Group ranks, int slots, long slotBytes) {
        if (ranks.size() != RANKS) {
            return null;
        }
        long aligned = (slotBytes + WORD_STRIDE - 1) / WORD_STRIDE * WORD_STRIDE;
        PeerMemory own = null;
        Offer offer;
        try {
            own = new PeerMemory(BEFORE + slots * aligned);
            offer = new Offer(HostName.here(), own.handle(), "");
        } catch (CudaException | UnsatisfiedLinkError e) {
            offer = new Offer(HostName.here(), new byte[0], String.valueOf(e.getMessage()));
        }
        List<Offer> offers = ranks.allGather(offer, Offer.class);
        Offer theirs = offers.get(1 - ranks.rank());
        String fault = PeerSums.first(offers.stream().map(Offer::fault));
        CopyExchange exchange = null;
        if (fault.isEmpty() && own != null) {
            try {
                exchange = new CopyExchange(own, PeerMemory.open(theirs.handle()), aligned);
            } catch (CudaException e) {
                fault = String.valueOf(e.getMessage());
            }
        }
        fault = PeerSums.first(ranks.allGather(fault, String.class).stream());
        if (fault.isEmpty() && exchange != null) {
            boolean right = exchange.isRight(ranks.rank());
            if (ranks.allGather(right, Boolean.class).stream().allMatch(each -> each)) {
                return exchange;
            }
            fault = "what is copied comes out wrong";
        }
        LOG.debug("the ranks' GPUs do not copy to each other: {}", fault);
        return null;
    }

    private boolean isRight(int rank) {
        byte[] mine = new byte[CHECKED];
        mine[rank] = 1;
        try {
            PeerMemory.write(slot(own.address(), 1), mine);
            long theirs = exchange(Pointer.nativeValue(CudaDriver.stream()), 0, slot(own.address(), 1), CHECKED);
            byte[] come = PeerMemory.read(theirs, CHECKED);
            return come[1 - rank] == 1 && come[rank] == 0;
        } catch (CudaException e) {
            LOG.debug("the device does not wait for words in its memory: {}", e.getMessage());
            return false;
        }
    }

    /** The most that one gives the other at a time. */
    long slotBytes() {
        return slotBytes;
    }

    private long slot(long memory, int slot) {
        return memory + BEFORE + slot * slotBytes;
    }

    /**
     * Gives the other rank bytes of this one, and has a stream wait until the other's are here. Both ranks make the same calls
     * in the same order, and none in a slot that the other may still be reading.
     *
     * @param stream  its address
     * @param slot    below the number of slots
     * @param address of this rank's, in its device's memory
     * @param bytes   at most what was connected for
     * @return where the other's are then, in this device's memory
     */
    public long exchange(long stream, int slot, long address, long bytes) {
        if (bytes > slotBytes) {
            throw new IllegalArgumentException("a slot of " + slotBytes + " bytes does not hold " + bytes);
        }
        turn++;
        Pointer in = new Pointer(stream);
        PeerMemory.copy(in, address, slot(other, slot), bytes);
        PeerMemory.tell(in, other + slot * WORD_STRIDE, turn);
        PeerMemory.awaitTold(in, own.address() + slot * WORD_STRIDE, turn);
        return slot(own.address(), slot);
    }
}
