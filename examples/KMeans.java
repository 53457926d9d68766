import java.util.Arrays;
import java.util.SplittableRandom;

import dev.lockstep.world.Block;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Clusters of points: each rank finds the nearest centres of its points, one allReduce adds up where the new ones are.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/KMeans.java [POINTS]
 * </pre>
 */
public class KMeans {
    private static final int CENTRES = 32;
    private static final int AXES = 16;

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            Block mine = world.split(args.length > 0 ? Integer.parseInt(args[0]) : 200_000);
            double[][] points = new double[mine.length()][];
            Arrays.setAll(points, i -> new SplittableRandom(mine.start() + i).doubles(AXES).toArray());
            long start = System.nanoTime();
            double[][] centres = new double[CENTRES][];
            Arrays.setAll(centres, c -> world.doubles().broadcast(points[c]));
            double[] sums = new double[0];
            for (int round = 0; round < 20; round++) {
                sums = world.doubles().allReduce(sums(points, centres), Op.SUM);
                for (int i = 0; i < CENTRES * AXES; i++) {
                    centres[i / AXES][i % AXES] = sums[i] / Math.max(1, sums[CENTRES * AXES + i / AXES]);
                }
            }
            world.printf("error %.6f in %.2f s%n", sums[sums.length - 1], (System.nanoTime() - start) / 1e9);
        }
    }

    private static double[] sums(double[][] points, double[][] centres) {
        double[] sums = new double[CENTRES * AXES + CENTRES + 1]; // of the points of each, their numbers, the error
        for (double[] point : points) {
            int nearest = 0;
            double least = Double.MAX_VALUE;
            for (int c = 0; c < CENTRES; c++) {
                double distance = 0;
                for (int d = 0; d < AXES; d++) {
                    distance += (point[d] - centres[c][d]) * (point[d] - centres[c][d]);
                }
                nearest = distance < least ? c : nearest;
                least = Math.min(least, distance);
            }
            for (int d = 0; d < AXES; d++) {
                sums[nearest * AXES + d] += point[d];
            }
            sums[CENTRES * AXES + nearest]++;
            sums[CENTRES * AXES + CENTRES] += least;
        }
        return sums;
    }
}
