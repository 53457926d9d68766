import java.util.Arrays;
import java.util.stream.IntStream;

import dev.lockstep.world.Block;
import dev.lockstep.world.Buffers;
import dev.lockstep.world.Grid;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Heat in a square plate with a hot upper edge: each rank has a part of it, and the edges of parts go to the neighbours.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/Jacobi.java [POINTS_A_SIDE [STEPS]]
 * </pre>
 */
public class Jacobi {
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            int side = args.length > 0 ? Integer.parseInt(args[0]) : 1000;
            int steps = args.length > 1 ? Integer.parseInt(args[1]) : 500;
            int[] ranks = Grid.dimensions(world.size(), 2);
            Grid grid = world.grid(ranks, false, false);
            int[] place = grid.coordinates();
            int rows = Block.of(side, place[0], ranks[0]).length() + 2; // with the edges of its neighbours
            int columns = Block.of(side, place[1], ranks[1]).length() + 2;
            double[][][] plates = new double[2][rows][columns];
            Arrays.fill(plates[0][0], place[0] == 0 ? 100 : 0);
            Arrays.fill(plates[1][0], place[0] == 0 ? 100 : 0);
            long start = System.nanoTime();
            for (int step = 0; step < steps; step++) {
                step(grid, world.doubles(), plates[step % 2], plates[(step + 1) % 2]);
            }
            double heat = Arrays.stream(plates[steps % 2], 1, rows - 1)
                    .mapToDouble(row -> Arrays.stream(row, 1, columns - 1).sum()).sum();
            world.printf("heat %.6f in %.2f s%n", world.allReduce(heat, Op.SUM), (System.nanoTime() - start) / 1e9);
        }
    }

    private static void step(Grid grid, Buffers<double[]> doubles, double[][] from, double[][] to) {
        int bottom = from.length - 1;
        int right = from[0].length - 1;
        grid.exchange(doubles, from[1], 0, -1, 0).ifPresent(row -> from[bottom] = row);
        grid.exchange(doubles, from[bottom - 1], 0, 1, 0).ifPresent(row -> from[0] = row);
        grid.exchange(doubles, column(from, 1), 1, -1, 0)
                .ifPresent(edge -> IntStream.range(0, edge.length).forEach(y -> from[y][right] = edge[y]));
        grid.exchange(doubles, column(from, right - 1), 1, 1, 0)
                .ifPresent(edge -> IntStream.range(0, edge.length).forEach(y -> from[y][0] = edge[y]));
        for (int y = 1; y < bottom; y++) {
            for (int x = 1; x < right; x++) {
                to[y][x] = 0.25 * (from[y - 1][x] + from[y + 1][x] + from[y][x - 1] + from[y][x + 1]);
            }
        }
    }

    private static double[] column(double[][] plate, int x) {
        return Arrays.stream(plate).mapToDouble(row -> row[x]).toArray();
    }
}
