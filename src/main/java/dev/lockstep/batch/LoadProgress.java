package dev.lockstep.batch;

import java.util.function.LongConsumer;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.host.ByteProgress;
import dev.lockstep.world.World;

/** Has the launcher tell how far rank 0 is with loading, where that takes long enough for somebody to wonder. */
final class LoadProgress implements LongConsumer {
    private static final long SILENT_NANOS = 2_000_000_000L;
    private static final long EACH_NANOS = 250_000_000L;

    private final World world;
    private final ByteProgress progress;
    private long told = System.nanoTime() + SILENT_NANOS - EACH_NANOS;
    private long before;

    LoadProgress(World world, Checkpoint checkpoint, String model) {
        this.world = world;
        this.progress = new ByteProgress("loading " + model, checkpoint.bytes());
    }

    @Override
    public void accept(long bytes) {
        progress.received(bytes - before);
        before = bytes;
        long now = System.nanoTime();
        if (now - told >= EACH_NANOS) {
            told = now;
            if (world.isRoot()) {
                world.progress("generate: " + progress.line());
            } else {
                world.alive();
            }
        }
    }
}
