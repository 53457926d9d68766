package dev.lockstep.world.verbs;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.QueueTransport;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;

/** Ranks that are threads, with nothing between them but their transports and what they share, and what they send each other. */
final class ThreadedRanks {
    static final Elementwise<float[]> SUM = (first, second) -> {
        for (int i = 0; i < first.length; i++) {
            second[i] = first[i] + second[i];
        }
        return second;
    };
    private static final int LIMIT_SECONDS = 60;

    private ThreadedRanks() {}

    interface Program {
        @Nullable
        Object run(Transport transport) throws Exception;
    }

    /** @return what each rank does, by rank */
    static List<@Nullable Object> run(int size, Program program) throws Exception {
        List<QueueTransport> transports = QueueTransport.connect(size);
        ExecutorService threads = Executors.newFixedThreadPool(size);
        try {
            List<Future<@Nullable Object>> all = new ArrayList<>();
            for (Transport transport : transports) {
                all.add(threads.submit(() -> program.run(transport)));
            }
            List<@Nullable Object> results = new ArrayList<>();
            for (Future<@Nullable Object> each : all) {
                results.add(each.get(LIMIT_SECONDS, TimeUnit.SECONDS));
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }

    static Collectives collectives(Transport transport, Members members, @Nullable SharedMemory memory) {
        return new Collectives(new Channel(transport, members), new CollectiveTracker(members), () -> {
        }, memory);
    }

    /** Numbers whose sum depends on the order. */
    static float[] floats(int seed, int length) {
        Random random = new Random(seed);
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = (random.nextFloat() - 0.5f) * (1 << random.nextInt(20));
        }
        return floats;
    }
}
