package dev.lockstep.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/** {@code bench collectives}: how long every collective takes, by the size of what a rank gives. */
@Command(name = "collectives", sortOptions = false, description = "Every collective, from 8 bytes to --max-bytes per rank: microseconds per call.")
final class BenchCollectives implements Measurement {
    private static final int LEAST_BYTES = 8;
    private static final int STEP = 8;
    /** As many calls of one size as move about so many bytes, within bounds. */
    private static final long BYTES_PER_SIZE = 256L << 20;
    private static final int MOST_CALLS = 500;
    private static final int FEWEST_CALLS = 3;

    /**
     * One row of the table. A call takes as long as the slowest rank is in it; the ranks begin together.
     *
     * @param bytes what one rank gives; for scatter and allToAll in all
     */
    @JsonNaming(SnakeCaseStrategy.class)
    record Row(String collective, int bytes, int calls, double minMicros, double avgMicros, double maxMicros) {}

    /** The file of {@code --report}. */
    @JsonNaming(SnakeCaseStrategy.class)
    record Measured(int worldSize, List<String> hosts, List<Row> rows) {}

    @Option(names = "--max-bytes", paramLabel = "N", description = "The largest size (67108864).")
    private int maxBytes = 64 << 20;

    @Option(names = "--report", paramLabel = "F.json", description = "Write the table as JSON.")
    private @Nullable String report;

    @Override
    public void check() {
        if (maxBytes < LEAST_BYTES) {
            throw new UsageException("--max-bytes " + maxBytes + ": give at least " + LEAST_BYTES);
        }
    }

    @Override
    public void run(World world) throws IOException {
        if (world.isRoot() && report != null) {
            AtomicFile.check("--report", report);
        }
        List<Row> rows = new ArrayList<>();
        world.print(String.format("%-12s %10s %6s %12s %12s %12s", "collective", "bytes", "calls", "min us", "avg us",
                "max us"));
        measure(world, "barrier", 0, rows, world::barrier);
        for (long bytes = LEAST_BYTES; bytes < maxBytes; bytes *= STEP) {
            measureAll(world, (int) bytes, rows);
        }
        measureAll(world, maxBytes, rows);
        List<String> hosts = world.allGather(world.host(), String.class);
        if (world.isRoot() && report != null) {
            AtomicFile.write(report, out -> {
                Json.pretty().writeValue(out, new Measured(world.size(), hosts, rows));
                out.write('\n');
            });
        }
    }

    private static void measureAll(World world, int bytes, List<Row> rows) {
        byte[] mine = new byte[bytes];
        List<byte[]> parts = Collections.nCopies(world.size(), new byte[bytes / world.size()]);
        float[] numbers = new float[bytes / Float.BYTES];
        int next = (world.rank() + 1) % world.size();
        int before = (world.rank() + world.size() - 1) % world.size();
        Map<String, Runnable> calls = new LinkedHashMap<>();
        calls.put("broadcast", () -> world.bytes().broadcast(mine));
        calls.put("scatter", () -> world.bytes().scatter(parts));
        calls.put("gather", () -> world.bytes().gather(mine));
        calls.put("allGather", () -> world.bytes().allGather(mine));
        calls.put("allToAll", () -> world.bytes().allToAll(parts));
        calls.put("reduce", () -> world.floats().reduce(numbers, Op.SUM));
        calls.put("allReduce", () -> world.floats().allReduce(numbers, Op.SUM));
        if (world.size() > 1) {
            // a ring in which rank 0 sends first, so that no rank waits for itself
            calls.put("send", () -> {
                if (world.isRoot()) {
                    world.bytes().send(mine, next, 0);
                }
                byte[] received = world.bytes().receive(before, 0);
                if (!world.isRoot()) {
                    world.bytes().send(received, next, 0);
                }
            });
        }
        calls.forEach((name, call) -> measure(world, name, bytes, rows, call));
    }

    private static void measure(World world, String name, int bytes, List<Row> rows, Runnable call) {
        int calls = (int) Math.max(FEWEST_CALLS, Math.min(MOST_CALLS, BYTES_PER_SIZE / Math.max(1, bytes) / 8));
        for (int i = 0; i < Math.max(1, calls / 10); i++) {
            call.run();
        }
        double[] micros = new double[calls];
        for (int i = 0; i < calls; i++) {
            world.barrier();
            long start = System.nanoTime();
            call.run();
            micros[i] = (System.nanoTime() - start) / 1e3;
        }
        world.doubles().reduce(micros, Op.MAX).ifPresent(slowest -> {
            double min = Double.POSITIVE_INFINITY;
            double max = 0;
            double sum = 0;
            for (double one : slowest) {
                min = Math.min(min, one);
                max = Math.max(max, one);
                sum += one;
            }
            rows.add(new Row(name, bytes, calls, min, sum / calls, max));
            System.out.println(String.format(Locale.ROOT, "%-12s %10d %6d %12.1f %12.1f %12.1f", name, bytes, calls,
                    min, sum / calls, max));
        });
    }
}
