import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

import dev.lockstep.world.Block;
import dev.lockstep.world.Buffers.Parts;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Sorts numbers that are spread over the ranks: in the end each has those between two bounds, which samples have given.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/SampleSort.java [NUMBERS]
 * </pre>
 */
public class SampleSort {
    private static final int SAMPLES = 100;

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            Block mine = world.split(args.length > 0 ? Integer.parseInt(args[0]) : 4_000_000);
            int n = mine.length();
            long[] numbers = LongStream.range(mine.start(), mine.end()).map(i -> new SplittableRandom(i).nextLong())
                    .toArray();
            world.barrier();
            long start = System.nanoTime();

            Arrays.sort(numbers);
            long[] samples = new long[SAMPLES];
            Arrays.setAll(samples, i -> numbers[(int) ((long) i * n / SAMPLES)]);
            long[] bounds = world.longs().allGatherAll(samples);
            Arrays.sort(bounds);
            int[] counts = new int[world.size()];
            int done = 0;
            for (int rank = 0; rank < world.size(); rank++) {
                int end = rank == world.size() - 1 ? n : place(numbers, bounds[(rank + 1) * SAMPLES]);
                counts[rank] = end - done;
                done = end;
            }
            long[] sorted = world.longs().allToAll(new Parts<>(numbers, counts)).all();
            Arrays.sort(sorted);

            long before = world.longs().exscan(new long[]{sorted.length}, Op.SUM).map(sum -> sum[0]).orElse(0L);
            long check = 0;
            for (int i = 0; i < sorted.length; i++) {
                check += (before + i) * sorted[i];
            }
            world.printf("sorted %d in %.2f s%n", world.allReduce(check, Op.SUM), (System.nanoTime() - start) / 1e9);
        }
    }

    private static int place(long[] sorted, long bound) {
        int found = Arrays.binarySearch(sorted, bound);
        return found < 0 ? -found - 1 : found;
    }
}
