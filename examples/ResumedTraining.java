import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.ObjectMapper;

import dev.lockstep.world.Block;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Training that outlives its ranks: what the next step needs is written down now and then, and read at the start. Where
 * there are several hosts, on a disk that they share.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 --max-restarts 3 examples/ResumedTraining.java training.json
 * </pre>
 */
public class ResumedTraining {
    private static final int AXES = 64;
    private record State(int step, double[] weights) {} // all that the next step needs

    public static void main(String[] args) throws IOException {
        try (World world = World.init(args)) {
            Path file = Path.of(args.length > 0 ? args[0] : "training.json");
            ObjectMapper json = new ObjectMapper();
            State kept = world.isRoot() && Files.exists(file) ? json.readValue(file.toFile(), State.class) : null;
            State begin = world.broadcast(kept == null ? new State(0, new double[AXES]) : kept, State.class);
            Block mine = world.split(20_000);
            double[][] points = new double[mine.length()][];
            double[] weights = begin.weights();
            Arrays.setAll(points, i -> new SplittableRandom(mine.start() + i).doubles(AXES).toArray());
            for (int step = begin.step(); step < 400; step++) {
                if (step % 20 == 0 && world.isRoot()) {
                    Path next = Path.of(file + ".next"); // a rank that dies while it writes leaves the older one whole
                    json.writeValue(next.toFile(), new State(step, weights));
                    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
                }
                double[] sums = new double[AXES + 1]; // of the gradient, and of the loss
                for (double[] point : points) {
                    double error = IntStream.range(0, AXES).mapToDouble(d -> (weights[d] - point[0]) * point[d]).sum();
                    for (int d = 0; d <= AXES; d++) {
                        sums[d] += error * (d < AXES ? point[d] : error);
                    }
                }
                double[] all = world.doubles().allReduce(sums, Op.SUM);
                Arrays.setAll(weights, d -> weights[d] - 0.05 / 20_000 * all[d]);
                if (step % 20 == 0) {
                    world.printf("step %d loss %.12f%n", step, all[AXES] / 20_000);
                }
            }
            world.onRoot(() -> Files.deleteIfExists(file));
        }
    }
}
