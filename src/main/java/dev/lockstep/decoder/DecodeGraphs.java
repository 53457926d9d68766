package dev.lockstep.decoder;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceMemory;

/**
 * Decode steps as CUDA graphs, one for each number of rows (in steps of {@link #bucket}) and kind of step. A step is
 * called as it is a few times, until the engine's compiler has done with its shape; then it is recorded, and from then on
 * replayed. All graphs share one piece of memory, since no two of them run at a time. Where libtorch lacks what that
 * needs, steps are called as they are, which is said once.
 */
final class DecodeGraphs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeGraphs.class);
    /** The compiler profiles, compiles and settles within so many calls. */
    private static final int CALLS_BEFORE_RECORDING = 4;

    /** Work on the device that can be done again with one call. */
    interface Recording extends AutoCloseable {
        void replay();

        @Override
        void close();
    }

    /** Records what a call hands to the device, which is not done by that; the first recording lends its memory. */
    interface Recorder {
        Recording record(@Nullable Recording first, Runnable call);
    }

    private record Graph(CudaGraph graph) implements Recording {
        @Override
        public void replay() {
            graph.replay();
        }

        @Override
        public void close() {
            graph.close();
        }
    }

    private record Key(int rows, int sampling, int variant) {}

    private final Recorder recorder;
    private final LongSupplier freeMemory;
    private final Map<Key, Recording> graphs = new HashMap<>();
    private final Map<Key, Integer> calls = new HashMap<>();
    private @Nullable Recording first;
    private long bytes;
    private long nanos;
    private boolean works = true;

    /** Sets the calling thread up; only it may use this object. */
    DecodeGraphs() {
        this((first, call) -> new Graph(CudaGraph.record(first == null ? null : ((Graph) first).graph, call)),
                new DeviceMemory(Device.ofRank("cuda"))::free);
        try {
            CudaGraph.usePoolStream();
        } catch (UnsatisfiedLinkError e) {
            giveUp(e.getMessage());
        }
    }

    DecodeGraphs(Recorder recorder, LongSupplier freeMemory) {
        this.recorder = recorder;
        this.freeMemory = freeMemory;
    }

    /** The number of rows that a step runs with for so many rows in use, so that a few graphs serve all of them. */
    static int bucket(int rows, int slots) {
        int bucket = rows <= 16
                ? Integer.highestOneBit(2 * rows - 1)
                : (rows + granule(rows) - 1) / granule(rows) * granule(rows);
        return Math.min(bucket, slots);
    }

    private static int granule(int rows) {
        return rows <= 128 ? 16 : 64;
    }

    /**
     * Takes one step, {@code call}ing it or replaying it.
     *
     * @param sampling the same number only for steps that choose tokens in the same way
     * @param variant  the same number only for steps that compute in the same way
     */
    void step(int rows, int sampling, int variant, Runnable call) {
        Key key = new Key(rows, sampling, variant);
        Recording graph = graphs.get(key);
        if (graph == null && works && calls.merge(key, 1, Integer::sum) > CALLS_BEFORE_RECORDING) {
            graph = record(key, call);
        }
        if (graph == null) {
            call.run();
        } else {
            graph.replay();
        }
    }

    /** Memory that recording took, which all graphs share. */
    long bytes() {
        return bytes;
    }

    /** Seconds that recording took. */
    double seconds() {
        return nanos / 1e9;
    }

    private @Nullable Recording record(Key key, Runnable call) {
        try {
            long begin = System.nanoTime();
            long free = freeMemory.getAsLong();
            Recording graph = recorder.record(first, call);
            if (!works) {
                // what was to be recorded fell away meanwhile, and what took its place may not be
                graph.close();
                return null;
            }
            bytes += Math.max(0, free - freeMemory.getAsLong());
            first = first == null ? graph : first;
            graphs.put(key, graph);
            nanos += System.nanoTime() - begin;
            return graph;
        } catch (UnsatisfiedLinkError | RuntimeException e) {
            giveUp(e.getMessage());
            return null;
        }
    }

    /** Says that steps will be called, and has them called. */
    void giveUp(@Nullable String why) {
        if (!works) {
            return;
        }
        works = false;
        LOG.warn("decode steps are slower, without CUDA graphs: {}", why);
    }

    /** Forgets all graphs; they hold the addresses of a cache that is about to go. */
    @Override
    public void close() {
        graphs.values().forEach(Recording::close);
        graphs.clear();
        calls.clear();
        first = null;
        bytes = 0;
    }
}
