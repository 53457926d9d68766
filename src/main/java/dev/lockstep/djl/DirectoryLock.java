package dev.lockstep.djl;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.host.LockHolder;

/** The lock of a directory on this host's disk or a shared one, held by one process at a time; its file says by which. */
public final class DirectoryLock {
    static final String FILE = "lockstep.lock";
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryLock.class);
    private static final long LOOK_NANOS = 50_000_000L;

    private DirectoryLock() {}

    /** Null where the directory takes no lock file, for instance a read-only cache that was filled beforehand. */
    public static @Nullable FileChannel open(Path directory) {
        try {
            Files.createDirectories(directory);
            return FileChannel.open(directory.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            LOG.debug("no lock file in {}", directory, e);
            return null;
        }
    }

    /**
     * Waits for the lock; closing the channel lets it go.
     *
     * @param channel  what {@link #open} gave; null: there is nothing to lock
     * @param patience how long to wait before it is said for whom
     * @param say      hears that, and that there is no lock where the file system has none
     */
    public static void take(@Nullable FileChannel channel, Path directory, Duration patience, Consumer<String> say) {
        if (channel == null) {
            return;
        }
        try {
            lock(channel, directory, patience, say);
        } catch (IOException e) {
            say.accept(
                    directory + " cannot be locked (" + e.getMessage() + "), as on some network file systems: let one "
                            + "job alone unpack libraries there before others start");
        }
    }

    private static void lock(FileChannel channel, Path directory, Duration patience, Consumer<String> say)
            throws IOException {
        long until = System.nanoTime() + patience.toNanos();
        while (channel.tryLock() == null) {
            if (System.nanoTime() > until) {
                say.accept("waiting for " + LockHolder.of(channel) + " which unpacks or loads libraries and holds "
                        + directory.resolve(FILE));
                channel.lock();
                break;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        LockHolder.write(channel);
    }
}
