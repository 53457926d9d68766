package dev.lockstep.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import ai.djl.util.Utils;
import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaException;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.cuda.PeerMemory;
import dev.lockstep.host.HostName;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;

/**
 * Sums of a few ranks of one host, whose GPUs write to each other's memory, by kernels of our own ({@code peers.cu}): for few
 * values they take a fraction of what NCCL takes, and a value's sum is always taken in the order of the ranks.
 */
final class PeerSums {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceSums.class);
    private static final int BLOCKS = 32;
    private static final int THREADS = 512;
    // a rank's piece: addresses of all pieces, then these, and after the rooms one more, for trying it out
    private static final int COUNTERS = 1 << 10;
    private static final int FLAGS = 4 << 10;
    private static final int ROOMS = 64 << 10;
    private static final int MOST_RANKS = 8;
    /** Of a turn's rooms together. */
    private static final long BYTES = 8L << 20;
    /** What one wait more costs, in bytes that a GPU writes meanwhile. */
    private static final long WAIT_BYTES = 600_000;
    private static final int PACK_BYTES = 16;
    private static final List<ScalarType> TYPES = List.of(ScalarType.FLOAT32, ScalarType.BFLOAT16, ScalarType.FLOAT16);
    /** Bytes past the rooms, for kernels of others. */
    private static final long ASIDE = 16L << 20;
    /** Looks at another rank's word, each of about a microsecond, after which the first sums have failed. */
    private static final int PATIENCE = 5_000_000;
    private static final int CHECKED = 4096;

    /**
     * The sums of one type.
     *
     * @param whole    each rank gives all that it has to all others
     * @param bySlices each rank gives each other a slice, and its sums to all
     */
    private record Kernels(Kernel whole, Kernel bySlices) {}

    private final Map<ScalarType, Kernels> kernels;
    private final long own;
    private final int rank;
    private final int size;
    private final long room;

    private PeerSums(Map<ScalarType, Kernels> kernels, long own, int rank, int size, long room) {
        this.kernels = kernels;
        this.own = own;
        this.rank = rank;
        this.size = size;
        this.room = room;
    }

    /** @param fault why there is no handle; else empty */
    record Offer(String host, byte[] handle, String fault) {}

    /** The first that is not empty; else nothing. */
    static String first(Stream<String> faults) {
        return faults.filter(each -> !each.isEmpty()).findFirst().orElse("");
    }

    /** What one rank has made ready, or why it cannot. */
    private record Ready(@Nullable PeerMemory memory, Map<ScalarType, Kernels> kernels, Offer offer) {}

    /** Of ranks that can; null where one cannot, which rank 0 says. A collective. */
    static @Nullable PeerSums connect(Group ranks) {
        int size = ranks.size();
        if (size > MOST_RANKS) {
            return null;
        }
        long room = BYTES / size / PACK_BYTES * PACK_BYTES;
        long aside = ROOMS + 3L * size * room;
        Ready mine = ready(aside + ASIDE);
        List<Offer> offers = ranks.allGather(mine.offer, Offer.class);
        if (offers.stream().map(Offer::host).distinct().count() > 1) {
            return null; // between hosts NCCL has what it takes
        }
        String fault = first(offers.stream().map(Offer::fault));
        if (fault.isEmpty()) {
            fault = opened(ranks, Objects.requireNonNull(mine.memory), offers, aside);
        }
        if (fault.isEmpty()) {
            PeerSums sums = new PeerSums(mine.kernels, Objects.requireNonNull(mine.memory).address(), ranks.rank(),
                    size,
                    room);
            // all rooms, and each of them again
            int wrong = 0;
            for (ScalarType type : List.of(ScalarType.FLOAT32, ScalarType.BFLOAT16, ScalarType.FLOAT32)) {
                ranks.barrier();
                wrong += sums.isRight(type, false) && sums.isRight(type, true) ? 0 : 1;
            }
            if (ranks.allReduce(wrong, Op.MAX) == 0) {
                return sums;
            }
            fault = "sums through it come out wrong";
        }
        if (ranks.isRoot()) {
            LOG.info("sums between the ranks' GPUs go by NCCL, which for few values is slower than through each other's"
                    + " memory: {}", fault);
        }
        return null;
    }

    private static Ready ready(long bytes) {
        try {
            KernelCompiler compiler = new KernelCompiler(Utils.getEngineCacheDir().resolve("kernels"));
            Map<ScalarType, Kernels> kernels = new EnumMap<>(ScalarType.class);
            for (ScalarType type : TYPES) {
                kernels.put(type, compiled(compiler, type));
            }
            PeerMemory memory = new PeerMemory(bytes);
            return new Ready(memory, kernels, new Offer(HostName.here(), memory.handle(), ""));
        } catch (CudaException | UnsatisfiedLinkError e) {
            return new Ready(null, Map.of(), new Offer(HostName.here(), new byte[0], String.valueOf(e.getMessage())));
        }
    }

    private static Kernels compiled(KernelCompiler compiler, ScalarType type) {
        List<String> definitions = List.of("STORAGE=" + type.code(), "THREADS=" + THREADS, "BLOCKS=" + BLOCKS,
                "COUNTERS=" + COUNTERS, "FLAGS=" + FLAGS, "ROOMS=" + ROOMS);
        return new Kernels(compiler.kernel(source(), definitions, "peerSum", THREADS),
                compiler.kernel(source(), definitions, "peerSumBySlices", THREADS));
    }

    private static String source() {
        try (InputStream in = PeerSums.class.getResourceAsStream("peers.cu")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("peers.cu", e);
        }
    }

    /** Opens all ranks' pieces and writes down where they are, and what is aside of them; why some rank could not, or nothing. */
    private static String opened(Group ranks, PeerMemory memory, List<Offer> offers, long aside) {
        String fault = "";
        ByteBuffer addresses = ByteBuffer.allocate(offers.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer asides = ByteBuffer.allocate(offers.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try {
            for (int other = 0; other < offers.size(); other++) {
                long address = other == ranks.rank() ? memory.address() : PeerMemory.open(offers.get(other).handle);
                addresses.putLong(address);
                asides.putLong(address + aside);
            }
            PeerMemory.write(memory.address(), addresses.array());
            PeerMemory.write(memory.address() + aside, asides.array());
        } catch (CudaException | UnsatisfiedLinkError e) {
            fault = "rank " + ranks.rank() + " cannot reach another's: " + e.getMessage();
        }
        return first(ranks.allGather(fault, String.class).stream());
    }

    /** Of small whole numbers, which every type holds. */
    private boolean isRight(ScalarType type, boolean slices) {
        ByteBuffer values = ByteBuffer.allocate(CHECKED * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < CHECKED; i++) {
            put(values, type, (rank + 1) * (i % 7));
        }
        PeerMemory.write(spare(), values.array());
        launch(spare(), (long) CHECKED * type.bytes(), type, slices, PATIENCE);
        values.clear();
        for (int i = 0; i < CHECKED; i++) {
            put(values, type, size * (size + 1) / 2 * (i % 7));
        }
        return Arrays.equals(values.array(), PeerMemory.read(spare(), values.capacity()));
    }

    private static void put(ByteBuffer values, ScalarType type, float value) {
        if (type == ScalarType.FLOAT32) {
            values.putFloat(value);
        } else {
            values.putShort((short) (Float.floatToRawIntBits(value) >> 16));
        }
    }

    /** The address of {@link #most} bytes that nobody uses. */
    long spare() {
        return own + ROOMS + 2 * most();
    }

    /** What is for kernels of others. */
    DeviceSums.Aside aside() {
        return new DeviceSums.Aside(own + ROOMS + 3 * most(), ASIDE);
    }

    /** A kernel sums so many bytes. */
    long most() {
        return size * room;
    }

    /** Whether values of this type come to whole packs. */
    static boolean takes(long count, ScalarType type) {
        return TYPES.contains(type) && count * type.bytes() % PACK_BYTES == 0;
    }

    /** {@link DeviceSums#sum} of values that it {@linkplain #takes}. */
    void sum(long address, long count, ScalarType type) {
        long bytes = count * type.bytes();
        for (long done = 0; done < bytes; done += most()) {
            long piece = Math.min(most(), bytes - done);
            // what slices spare of 16 (size - 1) bytes a pack
            boolean slices = piece > room || piece * (size - 1) * (size - 2) / size > WAIT_BYTES;
            launch(address + done, piece, type, slices, 0);
        }
    }

    private void launch(long address, long bytes, ScalarType type, boolean slices, int patience) {
        if (address % PACK_BYTES != 0 || bytes % PACK_BYTES != 0) {
            throw new IllegalArgumentException("values that are summed are whole packs of " + PACK_BYTES
                    + " bytes, not " + bytes + " bytes at " + address);
        }
        Pointer stream = CudaDriver.stream();
        Kernels both = Objects.requireNonNull(kernels.get(type));
        (slices ? both.bySlices : both.whole).launch(stream, BLOCKS, 1, 1, address, bytes / PACK_BYTES, own, rank, size,
                room, patience);
    }
}
