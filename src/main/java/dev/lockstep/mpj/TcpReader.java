package dev.lockstep.mpj;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;

/**
 * Who reads what comes from the other ranks, and writes what a socket did not take at once: one thread at a time. A thread that
 * waits for something does so itself, because to be woken by another would take longer than the message; it yields the
 * processor a while when nothing comes, then sleeps in the kernel. While no thread waits, a thread of the device's own does it,
 * so that no sender depends on what the receiver's program is at.
 */
final class TcpReader implements Progress {
    /** Cheaper than to sleep and be woken while the other ranks run; then their processors are theirs. */
    private static final int YIELDS = 100;
    /** When nobody has read for so long, the device's own thread does. */
    private static final long LOOK_NANOS = 1_000_000;

    private final Selector selector;
    private final Thread own = new Thread(this::run, "lockstep-tcp");
    private @Nullable Thread driver;
    private long turns; // how often one has been through with it
    private boolean resting; // the own thread does not look by itself
    private final AtomicInteger followers = new AtomicInteger();
    private volatile boolean wanted;
    private volatile boolean news;

    TcpReader() throws IOException {
        selector = Selector.open();
        own.setDaemon(true);
        own.start();
    }

    /** What comes over this channel is to be read, once {@link #begin} says so. */
    SelectionKey add(SocketChannel channel, TcpConnection connection) throws IOException {
        channel.configureBlocking(false);
        return channel.register(selector, 0, connection);
    }

    void begin(SelectionKey key) {
        key.interestOps(SelectionKey.OP_READ);
        selector.wakeup();
    }

    /** The connection has something left to write. */
    void wantsToWrite(SelectionKey key) {
        key.interestOpsOr(SelectionKey.OP_WRITE);
        selector.wakeup();
    }

    /** Something is done that was not done by whoever reads. */
    void moved() {
        selector.wakeup();
        wakeFollowers();
    }

    @Override
    public void news() {
        news = true;
    }

    @Override
    public void until(BooleanSupplier done) {
        boolean interrupted = Thread.interrupted(); // MPI knows no interrupts, and a selector would not sleep any more
        try {
            while (!done.getAsBoolean()) {
                if (take(done)) {
                    try {
                        drive(done);
                    } finally {
                        give();
                    }
                }
                interrupted |= Thread.interrupted();
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void once() {
        synchronized (this) {
            if (driver != null) {
                askOwn();
                return;
            }
            driver = Thread.currentThread();
        }
        try {
            select(false);
        } finally {
            give();
        }
    }

    /** @return whether it is this thread's turn to read; otherwise what it waits for is done */
    private synchronized boolean take(BooleanSupplier done) {
        boolean interrupted = false;
        followers.incrementAndGet();
        try {
            while (driver != null) {
                askOwn();
                if (done.getAsBoolean()) {
                    return false;
                }
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            followers.decrementAndGet();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        driver = Thread.currentThread();
        return true;
    }

    private void askOwn() {
        if (driver == own) {
            wanted = true;
            selector.wakeup();
        }
    }

    private synchronized void give() {
        driver = null;
        turns++;
        if (followers.get() > 0) {
            notifyAll();
        }
        if (resting) {
            resting = false;
            LockSupport.unpark(own);
        }
    }

    private void drive(BooleanSupplier done) {
        boolean interrupted = false;
        int idle = 0;
        while (!done.getAsBoolean()) {
            if (select(idle >= YIELDS)) {
                idle = 0;
            } else if (idle++ < YIELDS) {
                Progress.yieldProcessor();
            } else {
                idle = 0;
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        long seen = -1;
        while (selector.isOpen()) {
            boolean mine;
            boolean rest;
            synchronized (this) {
                mine = driver == null && turns == seen;
                rest = driver != null && turns == seen;
                seen = turns;
                resting = rest;
                if (mine) {
                    driver = own;
                    wanted = false;
                }
            }
            if (mine) {
                try {
                    while (!wanted && selector.isOpen()) {
                        select(true);
                    }
                } finally {
                    give();
                }
            } else if (rest) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, LOOK_NANOS);
            }
        }
    }

    /** @return whether anything has moved */
    private boolean select(boolean sleep) {
        try {
            int ready = sleep ? selector.select(TcpReader::handle) : selector.selectNow(TcpReader::handle);
            if (news) {
                news = false;
                wakeFollowers(); // and not for every piece of a long message
            }
            return ready > 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void handle(SelectionKey key) {
        TcpConnection connection = (TcpConnection) key.attachment();
        try {
            if (key.isReadable()) {
                connection.read();
            }
            if (key.isWritable()) {
                connection.flush();
            }
        } catch (CancelledKeyException e) {
            // lost meanwhile
        }
    }

    private void wakeFollowers() {
        if (followers.get() > 0) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    void close() throws IOException {
        selector.close();
    }
}
