import java.util.SplittableRandom;

import dev.lockstep.world.Block;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Estimates pi: every rank throws its share of the darts, one allReduce adds up the hits.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/MonteCarloPi.java [DARTS]
 * </pre>
 */
public class MonteCarloPi {
    private static final int THROWS_PER_SEED = 1 << 16;

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            int rounds = (args.length > 0 ? Integer.parseInt(args[0]) : 50_000_000) / THROWS_PER_SEED;

            // A seed belongs to a round, not to a rank: any number of ranks throws the same darts.
            Block mine = world.split(rounds);
            long hits = 0;
            for (int round = mine.start(); round < mine.end(); round++) {
                hits += hits(new SplittableRandom(round));
            }
            long[] sum = world.longs().allReduce(new long[]{hits}, Op.SUM);

            long darts = (long) rounds * THROWS_PER_SEED;
            world.print("pi is about " + 4.0 * sum[0] / darts + " after " + darts + " darts");
        }
    }

    private static int hits(SplittableRandom random) {
        int hits = 0;
        for (int i = 0; i < THROWS_PER_SEED; i++) {
            double x = random.nextDouble();
            double y = random.nextDouble();
            hits += x * x + y * y < 1 ? 1 : 0;
        }
        return hits;
    }
}
