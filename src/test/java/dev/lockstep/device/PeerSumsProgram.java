package dev.lockstep.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.cuda.PeerMemory;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.shard.Exchange;
import dev.lockstep.decoder.shard.PeerRoom;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.fixtures.TensorParallelProgram;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Sums through the memory of GPUs against sums that this program takes in the order of the ranks, bit by bit, and a model's
 * logits and tokens alone and among others by such sums. Ranks may share one GPU, which NCCL's cannot:
 *
 * <pre>
 * launch/mpjrun.sh -np 4 --oversubscribe -cp target/test-classes dev.lockstep.device.PeerSumsProgram [bench|golden]
 * </pre>
 *
 * With {@code bench}, one rank a GPU, it says how long sums take, and how long by NCCL; with {@code golden} the golden cases come
 * first, which takes minutes where ranks share a GPU.
 */
public final class PeerSumsProgram {
    private static final long LARGEST = 64L << 20;
    private static final int VOCABULARY = 32_000;

    private final World world;
    private final PeerSums sums;
    private final PeerMemory memory;

    private PeerSumsProgram(World world, PeerSums sums) {
        this.world = world;
        this.sums = sums;
        this.memory = new PeerMemory(LARGEST);
    }

    public static void main(String[] args) throws IOException {
        try (World world = World.init(args)) {
            Device device = Device.ofRank(world.device());
            Decoder.warm(device);
            PeerSums sums = PeerSums.connect(world);
            if (sums == null) {
                throw new AssertionError("the ranks' GPUs do not reach each other's memory");
            }
            PeerSumsProgram program = new PeerSumsProgram(world, sums);
            List<String> wanted = List.of(world.args());
            if (wanted.contains("bench")) {
                program.bench(device);
                return;
            }
            for (ScalarType type : List.of(ScalarType.BFLOAT16, ScalarType.FLOAT32)) {
                long most = sums.most();
                for (long bytes : new long[]{16, 112, 65_536, 399_984, most / world.size(), most / world.size() + 16,
                        most, most + 48, 3 * most - 16}) {
                    program.check(type, bytes);
                }
            }
            world.barrier();
            world.print("sums through each other's memory are those in the order of the ranks");
            TensorParallelProgram models = new TensorParallelProgram(world, program.replica(), device, List.of());
            if (wanted.contains("golden")) {
                models.goldenCases();
                models.families();
            }
            models.fourBits();
            models.penalized();
            models.randomModels();
            models.sameText("llama", Weights.WIDE, VOCABULARY);
            models.sameText("qwen2", Weights.FP8, VOCABULARY);
        }
    }

    private void check(ScalarType type, long bytes) {
        int count = (int) (bytes / type.bytes());
        float[] expected = new float[count];
        for (int rank = 0; rank < world.size(); rank++) {
            float[] theirs = values(type, count, rank);
            for (int i = 0; i < count; i++) {
                expected[i] += theirs[i];
            }
        }
        PeerMemory.write(memory.address(), stored(type, values(type, count, world.rank())));
        sums.sum(memory.address(), count, type);
        byte[] computed = PeerMemory.read(memory.address(), (int) bytes);
        if (!Arrays.equals(stored(type, expected), computed)) {
            throw new AssertionError("rank " + world.rank() + ": a sum of " + bytes + " bytes of " + type
                    + " is not the sum in the order of the ranks");
        }
    }

    /** Of sizes that differ, so that the order shows in the sum. */
    private static float[] values(ScalarType type, int count, int rank) {
        SplittableRandom random = new SplittableRandom(31L * count + rank);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            float value = (float) Math.scalb(random.nextDouble() - 0.5, random.nextInt(12));
            values[i] = type == ScalarType.BFLOAT16 ? Float.intBitsToFloat(rounded(value) << 16) : value;
        }
        return values;
    }

    private static byte[] stored(ScalarType type, float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            if (type == ScalarType.BFLOAT16) {
                bytes.putShort((short) rounded(value));
            } else {
                bytes.putFloat(value);
            }
        }
        return bytes.array();
    }

    /** To the nearest of bfloat16, of two the even one. */
    private static int rounded(float value) {
        int bits = Float.floatToRawIntBits(value);
        return bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
    }

    /** By these sums alone, which take the place of what only NCCL does too. */
    private Replica replica() {
        Function clear = NativeLibrary.getInstance("libcuda.so.1").getFunction("cuMemsetD8Async");
        return new Replica() {
            @Override
            public int rank() {
                return world.rank();
            }

            @Override
            public int size() {
                return world.size();
            }

            @Override
            public void sum(long address, long count, ScalarType type) {
                if (PeerSums.takes(count, type)) {
                    sums.sum(address, count, type);
                    return;
                }
                // among others, up to what is taken
                long more = count;
                while (!PeerSums.takes(more, type)) {
                    more++;
                }
                long bytes = count * type.bytes();
                PeerMemory.copy(CudaDriver.stream(), address, memory.address(), bytes);
                sums.sum(memory.address(), more, type);
                PeerMemory.copy(CudaDriver.stream(), memory.address(), address, bytes);
            }

            @Override
            public void gather(long address, long count, ScalarType type) {
                long bytes = count * type.bytes();
                for (int rank = 0; rank < world.size(); rank++) {
                    if (rank != world.rank()) {
                        clear.invokeInt(new Object[]{address + rank * bytes, (byte) 0, bytes, CudaDriver.stream()});
                    }
                }
                sums.sum(address, count * world.size(), type);
            }

            @Override
            public boolean isOrdered() {
                return true;
            }

            @Override
            public PeerRoom peerRoom() {
                return new PeerRoom(sums.aside().address(), sums.aside().bytes());
            }

            @Override
            public @Nullable Exchange exchange(long bytes) {
                if (world.size() > 2) {
                    return null;
                }
                CopyExchange copies = CopyExchange.connect(world, Exchange.SLOTS, bytes);
                if (copies == null) {
                    throw new AssertionError("the ranks' GPUs do not copy to each other");
                }
                return copies::exchange;
            }

            @Override
            public long least(long value) {
                return world.allReduce(value, Op.MIN);
            }
        };
    }

    private void bench(Device device) {
        CudaGraph.usePoolStream(); // nothing is recorded of the default one
        DeviceSums both = DeviceSums.of(world, device);
        DeviceSums.Summing byNccl = DeviceSums.byNccl(NcclCarrier.connect(world));
        for (long bytes = 8 << 10; bytes <= LARGEST; bytes *= 2) {
            double ours = DeviceSums.microseconds(world, sums::sum, memory.address(), bytes);
            double theirs = DeviceSums.microseconds(world, byNccl, memory.address(), bytes);
            double chosen = DeviceSums.microseconds(world, both::sum, memory.address(), bytes);
            world.print(String.format(Locale.ROOT, "%9d bytes of bfloat16: %7.1f us, by NCCL %7.1f, as chosen %7.1f",
                    bytes, ours, theirs, chosen));
        }
    }
}
