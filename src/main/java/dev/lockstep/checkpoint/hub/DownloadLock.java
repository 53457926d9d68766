package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

import dev.lockstep.host.Closing;
import dev.lockstep.host.LockHolder;

/**
 * Lets one process of all that share a file system download, while the others wait. The kernel, or the file server, takes
 * the lock from a process that dies. Where there are no locks, downloads go on together, which costs time but harms
 * nothing: all write the same bytes to the same places, and what they wrote is checked.
 */
final class DownloadLock implements AutoCloseable {
    private static final long LOOK_NANOS = 100_000_000L;
    private static final long PATIENCE_NANOS = Duration.ofSeconds(3).toNanos();
    /** Between the threads of this process, whom a file's lock does not keep apart. */
    private static final ReentrantLock THREADS = new ReentrantLock();

    private final FileChannel channel;

    private DownloadLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Waits for the lock.
     *
     * @param what is to be downloaded, for the sentence that says for whom it waits
     * @throws IOException when the file cannot be made
     */
    static DownloadLock take(Path file, String what, Watch watch) throws IOException {
        Files.createDirectories(file.getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        THREADS.lock();
        try {
            lock(channel, what, watch);
        } catch (IOException e) {
            watch.say(
                    file + " cannot be locked (" + e.getMessage() + "), as on some network file systems: where several"
                            + " hosts start at once, each downloads " + what);
        }
        return new DownloadLock(channel);
    }

    private static void lock(FileChannel channel, String what, Watch watch) throws IOException {
        long patience = System.nanoTime() + PATIENCE_NANOS;
        boolean said = false;
        while (channel.tryLock() == null) {
            watch.alive();
            if (!said && System.nanoTime() > patience) {
                said = true;
                watch.say("waiting for " + LockHolder.of(channel) + ", which downloads " + what);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        LockHolder.write(channel);
    }

    @Override
    public void close() {
        Closing.quietly(channel);
        THREADS.unlock();
    }
}
