package dev.lockstep.world;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.HostName;
import dev.lockstep.watch.CollectiveWatchdog;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.world.rank.Ending;
import dev.lockstep.world.rank.Heartbeat;
import dev.lockstep.world.transport.QueueTransport;

/** One run of {@link Worlds}: what launcher and processes are elsewhere, in the thread that waits for the ranks. */
final class RankThreads {
    private static final long LOOK_MILLIS = 20;
    private static final long WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    /** So long a rank may take to notice that all are ended. */
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(5);
    /** So long this JVM does not stand still for reasons of its own. */
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final ThreadLocal<@Nullable Rank> HERE = new ThreadLocal<>();

    private final List<Rank> ranks = new ArrayList<>();
    private final List<QueueTransport> transports;
    private final CollectiveWatchdog watchdog;
    // what follows is looked at with this object's lock
    private @Nullable Throwable failure;
    private @Nullable RuntimeException exit;
    private int running;

    /** @param timeout zero: none */
    RankThreads(int size, Duration timeout) {
        transports = QueueTransport.connect(size);
        watchdog = new CollectiveWatchdog(size, timeout, System.nanoTime());
        String host = HostName.here();
        for (int rank = 0; rank < size; rank++) {
            ranks.add(new Rank(RankEnvironment.alone(rank, size, rank, size, host, "cpu")));
        }
    }

    <R extends @Nullable Object, E extends Exception> List<R> run(Worlds.Program<R, E> program) throws E {
        @Nullable
        Object[] results = new Object[ranks.size()];
        boolean interrupted = watch(program, results);
        transports.get(0).closeAll(); // for what has been begun and was never awaited
        Throwable why = failure == null ? exit : failure;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (why instanceof Error error) {
            throw error;
        } else if (why instanceof RuntimeException unchecked) {
            throw unchecked;
        } else if (why != null) {
            @SuppressWarnings("unchecked") // the program declares no other
            E declared = (E) why;
            throw declared;
        }
        @SuppressWarnings("unchecked") // each is what the program has returned
        List<R> all = (List<R>) Collections.unmodifiableList(Arrays.asList(results));
        return all;
    }

    /** Starts the ranks, and returns when all have ended, or should have. */
    private synchronized <R extends @Nullable Object, E extends Exception> boolean watch(Worlds.Program<R, E> program,
            @Nullable Object[] results) {
        boolean interrupted = false;
        running = ranks.size();
        ranks.forEach(rank -> rank.start(program, results));
        for (long before = System.nanoTime(); running > 0 && failure == null;) {
            if (!await(LOOK_MILLIS)) {
                interrupted = true;
                fail(new IllegalStateException("the thread that waits for the ranks was interrupted"));
            }
            long now = System.nanoTime();
            if (now - before > PAUSE_NANOS) {
                watchdog.forgive(now - before);
            }
            before = now;
            ranks.stream().filter(rank -> !rank.ended).forEach(Rank::look);
            watchdog.check(now).ifPresent(finding -> fail(new IllegalStateException(finding.line())));
        }
        ranks.forEach(rank -> rank.thread.interrupt());
        for (long end = System.nanoTime() + GRACE_NANOS; running > 0 && System.nanoTime() < end;) {
            interrupted |= !await(LOOK_MILLIS);
        }
        Throwable why = failure;
        for (Rank rank : ranks) {
            if (why != null && !rank.ended) {
                IllegalStateException goesOn = new IllegalStateException("rank " + rank.self.rank() + " goes on here");
                goesOn.setStackTrace(rank.thread.getStackTrace());
                why.addSuppressed(goesOn);
            }
        }
        return interrupted;
    }

    @SuppressWarnings("WaitNotInLoop") // its callers look again
    private boolean await(long millis) {
        try {
            wait(millis);
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** @return whether nothing had failed before */
    private synchronized boolean fail(Throwable why) {
        if (failure != null) {
            return false;
        }
        failure = why;
        transports.get(0).closeAll();
        notifyAll();
        return true;
    }

    /** Whether this JVM was started for a debugger, in which a rank stands still for as long as somebody looks. */
    static boolean mayBeStopped() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .anyMatch(option -> option.contains("jdwp"));
    }

    /** The world of the calling thread, if that is a rank's. */
    static Optional<World> joined(String... args) {
        return Optional.ofNullable(HERE.get()).map(rank -> rank.join(args));
    }

    /** Unwinds a thread of a rank that has ended itself. */
    private static final class Ended extends Error {
        private static final long serialVersionUID = 1;

        Ended() {
            super("the rank has ended", null, false, false);
        }
    }

    /** One rank. */
    private final class Rank implements Ending {
        private final RankEnvironment self;
        private final Heartbeat reporter = new Heartbeat(this::tell);
        private final Session session;
        private Thread thread = Thread.currentThread(); // until it has its own
        private boolean joined;
        private volatile boolean closed;
        private boolean ended;

        Rank(RankEnvironment self) {
            this.self = self;
            this.session = new Session(reporter, transports.get(self.rank()), null, this);
        }

        <R extends @Nullable Object, E extends Exception> void start(Worlds.Program<R, E> program,
                @Nullable Object[] results) {
            thread = new Thread(() -> {
                HERE.set(this);
                try {
                    results[self.rank()] = program.run(new World(new String[0], self, session));
                } catch (Ended e) {
                    // it has said why
                } catch (Throwable e) { // of whatever kind: it is thrown again where the ranks are waited for
                    if (fail(e)) {
                        e.addSuppressed(
                                new IllegalStateException("thrown by rank " + self.rank() + " of " + self.size()));
                    }
                } finally {
                    end();
                }
            }, "rank " + self.rank());
            thread.setDaemon(true);
            thread.start();
        }

        private void end() {
            synchronized (RankThreads.this) {
                closed = true;
                look();
                ended = true;
                watchdog.ended(self.rank());
                running--;
                RankThreads.this.notifyAll();
            }
        }

        World join(String... args) {
            if (joined) {
                throw new IllegalStateException("World.init was called before; a program has one world");
            }
            joined = true;
            return new World(args, self, session);
        }

        /** Takes in where the rank stands. */
        void look() {
            try {
                reporter.flush();
                reporter.beat();
                reporter.tellWaits(WAIT_NANOS);
            } catch (IOException e) {
                throw new AssertionError("there is no network here", e);
            }
        }

        private void tell(Message message) {
            if (message instanceof Message.Doing doing && !doing.passing()) {
                System.err.println(doing.what());
            }
            synchronized (RankThreads.this) {
                watchdog.take(self.rank(), message, System.nanoTime());
            }
        }

        @Override
        public void checkOpen() {
            if (closed) {
                throw new IllegalStateException("the world is closed");
            }
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public void lastWords(Runnable words) {
            // nobody is told how far the rank was
        }

        @Override
        public void abort(int code, @Nullable String cause) {
            fail(new IllegalStateException("rank " + self.rank() + " has ended all ranks with exit code " + code + ": "
                    + (cause == null ? "aborted" : cause)));
            throw new Ended();
        }

        @Override
        public void exit(int code) {
            closed = true;
            synchronized (RankThreads.this) {
                if (code != ExitCode.DONE.code() && exit == null) {
                    exit = new IllegalStateException("rank " + self.rank() + " has ended with exit code " + code);
                }
            }
            throw new Ended();
        }
    }
}
