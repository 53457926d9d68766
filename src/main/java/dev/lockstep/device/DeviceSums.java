package dev.lockstep.device;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.cuda.Nccl;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;

/**
 * Sums of what ranks have in their devices' memory, in place and many of them: the ranks tell each other nothing beforehand,
 * as {@link DeviceCollectives} has them do, and a GPU's sum can be recorded with what goes before and after it. Values of
 * GPUs that reach each other go through their memory, where that is faster or the ranks' order is to be kept, all others by NCCL.
 * All ranks call the same in the same order; one that does not is waited for.
 */
public final class DeviceSums {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceSums.class);
    private static final int SMALLEST = 8 << 10;
    private static final int SUMS = 16;
    private static final int TRIES = 3;
    /** Ranks whose numbers have one sum, however they are added. */
    private static final int ONE_ORDER = 2;

    /** {@link DeviceSums#sum}. */
    interface Summing {
        void sum(long address, long count, ScalarType type);
    }

    private final Summing summing;
    // null on CPU
    private final @Nullable Nccl nccl;
    private final boolean ordered;
    private final @Nullable Aside aside;
    private final Group ranks;
    // of the last that were asked for; its memory lasts as long as the process
    private @Nullable CopyExchange copies;

    /**
     * Memory of this rank's GPU that those of the other ranks reach, for kernels of others: the addresses of all ranks', int64
     * and by rank, and then zeros.
     */
    public record Aside(long address, long bytes) {}

    private DeviceSums(Group ranks, Summing summing, @Nullable Nccl nccl, boolean ordered, @Nullable Aside aside) {
        this.ranks = ranks;
        this.summing = summing;
        this.nccl = nccl;
        this.ordered = ordered;
        this.aside = aside;
    }

    /**
     * Connects the devices of a group's ranks, and of GPUs finds out which way is faster. A collective; what it takes is given
     * back when the process ends.
     *
     * @throws dev.lockstep.cuda.CudaException when there is no NCCL, or when it cannot connect the GPUs
     * @throws UnsatisfiedLinkError            when a library lacks a function
     */
    public static DeviceSums of(Group ranks, Device device) {
        if (ranks.size() == 1) {
            return new DeviceSums(ranks, (address, count, type) -> {
            }, null, true, null);
        }
        if (device.isCpu()) {
            return new DeviceSums(ranks,
                    (address, count, type) -> onHost(ranks, address, Math.toIntExact(count), type),
                    null, ranks.size() <= ONE_ORDER, null);
        }
        Nccl nccl = NcclCarrier.connect(ranks);
        Summing byNccl = byNccl(nccl);
        PeerSums peers = PeerSums.connect(ranks);
        if (peers == null) {
            return new DeviceSums(ranks, byNccl, nccl, ranks.size() <= ONE_ORDER, null);
        }
        // where the order matters it is the ranks', whatever is faster
        long most = ranks.size() > ONE_ORDER ? Long.MAX_VALUE : fasterUpTo(ranks, peers, byNccl);
        Summing byPeers = peers::sum;
        return new DeviceSums(ranks, (address, count, type) -> {
            boolean own = count * type.bytes() <= most && PeerSums.takes(count, type);
            (own ? byPeers : byNccl).sum(address, count, type);
        }, nccl, true, peers.aside());
    }

    static Summing byNccl(Nccl nccl) {
        return (address, count, type) -> nccl.allReduce(new Pointer(address), new Pointer(address), count,
                Nccl.Type.valueOf(type.name()), Nccl.Reduction.SUM, CudaDriver.stream());
    }

    private static void onHost(Group ranks, long address, int count, ScalarType type) {
        if (type != ScalarType.FLOAT32) {
            throw new IllegalArgumentException("sums on CPU are of float32, not of " + type);
        }
        Pointer values = new Pointer(address);
        values.write(0, ranks.floats().allReduce(values.getFloatArray(0, count), Op.SUM), 0, count);
    }

    /** The most bytes of which sums through the peers' memory are faster in a recorded graph, by measurement. */
    private static long fasterUpTo(Group ranks, PeerSums peers, Summing byNccl) {
        CudaGraph.usePoolStream(); // nothing is recorded of the default one
        long faster = 0;
        for (long bytes = SMALLEST; bytes <= peers.most(); bytes *= 2) {
            double ours = microseconds(ranks, peers::sum, peers.spare(), bytes);
            double theirs = microseconds(ranks, byNccl, peers.spare(), bytes);
            LOG.debug("a sum of {} bytes takes {} us through the memory of the ranks' GPUs and {} us by NCCL", bytes,
                    ours,
                    theirs);
            if (ours < theirs) {
                faster = bytes;
            }
        }
        return faster;
    }

    /** Of the slowest rank. */
    static double microseconds(Group ranks, Summing summing, long address, long bytes) {
        Runnable sum = () -> summing.sum(address, bytes / ScalarType.BFLOAT16.bytes(), ScalarType.BFLOAT16);
        Pointer stream = CudaDriver.stream();
        sum.run(); // what is made at its first use must not be recorded
        CudaDriver.await(stream);
        double best = Double.MAX_VALUE;
        try (CudaGraph graph = CudaGraph.record(null, () -> {
            for (int i = 0; i < SUMS; i++) {
                sum.run();
            }
        })) {
            for (int i = 0; i <= TRIES; i++) {
                ranks.barrier();
                long start = System.nanoTime();
                graph.replay();
                CudaDriver.await(stream);
                // the first one is still being made ready
                best = i == 0 ? best : Math.min(best, (System.nanoTime() - start) / 1e3 / SUMS);
            }
        }
        return ranks.allReduce(best, Op.MAX);
    }

    /**
     * Adds up the ranks' values, and each gets the sums, the same to the last bit. On a GPU it is handed to libtorch's
     * current stream and not waited for.
     *
     * @param address in the device's memory, of this rank's values, whose place the sums take
     * @param count   of values, above 0
     * @param type    FLOAT32; on a GPU BFLOAT16 or FLOAT16 as well
     */
    public void sum(long address, long count, ScalarType type) {
        summing.sum(address, count, type);
    }

    /**
     * Whether a value's sum is the same bits however many values are beside it: of two ranks, or where it is taken in the
     * order of the ranks, as it is of whole 16 bytes through the memory of GPUs that reach each other.
     */
    public boolean isOrdered() {
        return ordered;
    }

    /** Null where GPUs do not reach each other's memory. */
    public @Nullable Aside aside() {
        return aside;
    }

    /**
     * By which two GPUs that reach each other's memory give each other so many bytes at a time while products go on; else
     * null. A collective; one at a time.
     *
     * @param slots places for what is under way, as many at each call
     */
    public @Nullable CopyExchange copies(int slots, long bytes) {
        if (aside != null && (copies == null || copies.slotBytes() < bytes)) {
            copies = CopyExchange.connect(ranks, slots, bytes);
        }
        return copies;
    }

    /**
     * Gives every rank what all have, in place and like {@link #sum}; of GPUs only.
     *
     * @param address of room for {@code count} values of each rank, by rank, where this rank's are
     * @param type    FLOAT32, BFLOAT16 or FLOAT16
     */
    public void gather(long address, long count, ScalarType type) {
        if (nccl == null) {
            throw new UnsupportedOperationException("values on CPU are summed, not gathered");
        }
        nccl.allGather(new Pointer(address + ranks.rank() * count * type.bytes()), new Pointer(address), count,
                Nccl.Type.valueOf(type.name()), CudaDriver.stream());
    }
}
