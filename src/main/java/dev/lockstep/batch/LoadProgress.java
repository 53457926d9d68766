package dev.lockstep.batch;

import java.util.function.LongConsumer;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.host.ByteProgress;
import dev.lockstep.world.World;

/** Has the launcher tell how far rank 0 is with loading, where that takes long enough for somebody to wonder. */
final class LoadProgress implements LongConsumer {
    private static final long SILENT_NANOS = 2_000_000_000L;
    private static final long EACH_NANOS = 250_000_000L;

    private final World world;
    private final String job;
    private final String what;
    private final long total;
    // null until the first weights are there: until then it is libtorch that takes its time
    private @Nullable ByteProgress progress;
    private long told;
    private long before;

    LoadProgress(World world, String job, Checkpoint checkpoint, String model) {
        this.world = world;
        this.job = job;
        this.what = "loading " + model;
        this.total = checkpoint.bytes();
    }

    @Override
    public void accept(long bytes) {
        long now = System.nanoTime();
        if (progress == null) {
            progress = new ByteProgress(what, total);
            progress.found(bytes);
            told = now + SILENT_NANOS - EACH_NANOS;
        } else {
            progress.received(bytes - before);
        }
        before = bytes;
        if (now - told >= EACH_NANOS) {
            told = now;
            if (world.isRoot()) {
                world.progress(job + ": " + progress.line());
            } else {
                world.alive();
            }
        }
    }
}
