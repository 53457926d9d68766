package dev.lockstep.world;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

import com.fasterxml.jackson.core.type.TypeReference;

/**
 * What src/test/bench/mpi4py_collectives.py measures, with Lockstep: the same verbs, values, warm-up and repeats. Rank 0
 * prints "verb kind size microseconds" for every repeat.
 */
public final class CompareCollectives {
    record Result(int index, String id, int sample, String text, int[] tokenIds, int promptTokens,
            int completionTokens, String finishReason, int rank) {
        static Result of(int index, int rank) {
            return new Result(index, Integer.toString(index), 0,
                    String.format("%8d ", index) + "and the earth was without form ".repeat(2) + "and void",
                    IntStream.range(0, 20).map(i -> (index * 7 + i * 131) % 4096).toArray(), 14, 20, "length", rank);
        }
    }

    private static final TypeReference<List<Result>> RESULTS = new TypeReference<>() {
    };

    private final World world;
    private final int warm;
    private final int repeats;
    private final String row;

    private CompareCollectives(World world, int warm, int repeats, String row) {
        this.world = world;
        this.warm = warm;
        this.repeats = repeats;
        this.row = row;
    }

    /** The arguments: how often a call is made before it counts, how often it counts, and how rows begin. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            CompareCollectives compare = new CompareCollectives(world, Integer.parseInt(args[0]),
                    Integer.parseInt(args[1]), args[2]);
            compare.measure("barrier", "-", 0, world::barrier);
            for (int count : new int[]{1, 100, 10_000}) {
                compare.objects(count);
            }
            for (int count : new int[]{256, 262_144, 4_194_304}) {
                compare.floats(count);
            }
        }
    }

    private void objects(int count) {
        List<Result> mine = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            mine.add(Result.of(i, world.rank()));
        }
        List<List<Result>> parts = Collections.nCopies(world.size(), mine.subList(0, count / world.size()));
        measure("gather", "objects", count, () -> world.gatherAll(mine, Result.class));
        measure("broadcast", "objects", count, () -> world.broadcast(mine, RESULTS));
        measure("scatter", "objects", count, () -> world.scatter(parts, RESULTS));
        measure("allGather", "objects", count, () -> world.allGather(mine, RESULTS));
        measure("allToAll", "objects", count, () -> world.allToAll(parts, RESULTS));
        measure("reduce", "objects", count, () -> world.reduce(mine, RESULTS, (a, b) -> a));
        measure("allReduce", "objects", count, () -> world.allReduce(mine, RESULTS, (a, b) -> a));
    }

    private void floats(int count) {
        float[] mine = new float[count];
        List<float[]> parts = Collections.nCopies(world.size(), new float[count / world.size()]);
        Buffers<float[]> floats = world.floats();
        measure("gather", "floats", count, () -> floats.gather(mine));
        measure("broadcast", "floats", count, () -> floats.broadcast(mine));
        measure("scatter", "floats", count, () -> floats.scatter(parts));
        measure("allGather", "floats", count, () -> floats.allGather(mine));
        measure("allToAll", "floats", count, () -> floats.allToAll(parts));
        measure("reduce", "floats", count, () -> floats.reduce(mine, Op.SUM));
        measure("allReduce", "floats", count, () -> floats.allReduce(mine, Op.SUM));
    }

    private void measure(String verb, String kind, int count, Runnable call) {
        if (!String.join(" ", verb, kind, Integer.toString(count)).startsWith(row)) {
            return;
        }
        for (int i = 0; i < warm + repeats; i++) {
            world.barrier();
            long start = System.nanoTime();
            call.run();
            double micros = (System.nanoTime() - start) / 1e3;
            double slowest = world.doubles().allReduce(new double[]{micros}, Op.MAX)[0];
            if (i >= warm) {
                world.print(String.format(Locale.ROOT, "%s %s %d %.1f", verb, kind, count, slowest));
            }
        }
    }
}
