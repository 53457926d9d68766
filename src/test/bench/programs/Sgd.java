import java.util.SplittableRandom;

import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/** Learns a linear model of many weights from rows that are spread over the ranks. */
public class Sgd {
    private static final int ROWS = 256;
    private static final int BATCH = 16;
    private static final double RATE = 2e-4;

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            int weights = args.length > 0 ? Integer.parseInt(args[0]) : 20_000;
            int steps = args.length > 1 ? Integer.parseInt(args[1]) : 500;
            double[][] rows = new double[ROWS][];
            double[] wanted = new double[ROWS];
            for (int i = 0; i < ROWS; i++) {
                rows[i] = new SplittableRandom(world.rank() * ROWS + i).doubles(weights, -0.5, 0.5).toArray();
                for (int w = 0; w < weights; w++) {
                    wanted[i] += w % 2 == 0 ? rows[i][w] : -rows[i][w];
                }
            }
            world.barrier();
            long start = System.nanoTime();
            double[] model = new double[weights];
            double loss = 0;
            for (int step = 0; step < steps; step++) {
                double[] gradient = new double[weights];
                loss = 0;
                for (int b = 0; b < BATCH; b++) {
                    int i = (step * BATCH + b) % ROWS;
                    double error = dot(rows[i], model) - wanted[i];
                    add(error, rows[i], gradient);
                    loss += error * error;
                }
                add(-RATE / world.size(), world.doubles().allReduce(gradient, Op.SUM), model);
            }
            world.printf("loss %.6f in %.2f s%n", world.allReduce(loss, Op.SUM), (System.nanoTime() - start) / 1e9);
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void add(double factor, double[] values, double[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] += factor * values[i];
        }
    }
}
