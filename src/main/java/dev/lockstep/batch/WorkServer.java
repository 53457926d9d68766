package dev.lockstep.batch;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.journal.Journal;
import dev.lockstep.journal.JournalFile;
import dev.lockstep.replica.Team;
import dev.lockstep.world.World;

/**
 * Where other ranks come to rank 0 for samples: a thread for each of them, which waits without using the processor, so that
 * rank 0 generates like the others. A rank that does not see the journals' directory hands in its lines here too.
 */
final class WorkServer implements Closeable {
    private static final int ASK = 1;
    private static final int GRANT = 2;
    private static final int LINES = 3;

    /** @see WorkQueue#deal */
    record Ask(int free, int ahead, boolean idle) {}

    /** Sees where a rank's samples come from. */
    interface WorkSource {
        /** May wait for other ranks, and for the input. */
        WorkQueue.Grant deal(int free, int ahead, boolean idle);
    }

    private static final long SIGN_NANOS = 1_000_000_000L;

    private final World world;
    private final String job;
    private final Journal journal;
    private volatile boolean closed;
    private final List<Thread> threads = new ArrayList<>();

    /**
     * To be opened on rank 0 only, before others {@link #from ask}.
     *
     * @param team    of this rank: of each other the first rank asks
     * @param journal rank 0's, which is told when the job ends for a reason that is no sample's
     */
    WorkServer(World world, String job, Team team, WorkQueue queue, Journal journal) {
        this.world = world;
        this.job = job;
        this.journal = journal;
        if (world.size() > 1) {
            sign(queue);
        }
        for (int number = 1; number < team.count(); number++) {
            int place = number;
            int other = number * team.size();
            start("rows for rank " + other, () -> {
                WorkQueue.Grant grant;
                do {
                    Ask ask = world.receive(Ask.class, other, ASK);
                    grant = queue.deal(place, ask.free(), ask.ahead(), ask.idle());
                    world.send(grant, WorkQueue.Grant.class, other, GRANT);
                } while (!grant.over());
            });
        }
    }

    /** Others wait for rows of a pipe as long as that takes: this rank is no less alive for it. */
    private void sign(WorkQueue queue) {
        Thread thread = new Thread(() -> {
            while (!closed) {
                LockSupport.parkNanos(SIGN_NANOS);
                if (queue.isDealing()) {
                    world.alive();
                }
            }
        }, "signs of life");
        thread.setDaemon(true);
        thread.start();
    }

    /** Keeps the journal of a rank that cannot do so itself. */
    void keepFor(int rank, Path directory) throws IOException {
        Journal.Keeper keeper = new JournalFile(directory, rank);
        start("journal of rank " + rank, () -> {
            for (String lines; !(lines = world.receive(String.class, rank, LINES)).isEmpty();) {
                keeper.append(lines.getBytes(StandardCharsets.UTF_8));
            }
            keeper.end();
        });
    }

    private interface Service {
        void run() throws IOException;
    }

    private void start(String name, Service service) {
        Thread thread = new Thread(() -> {
            try {
                service.run();
            } catch (UsageException e) {
                journal.stopAnyway();
                world.abort(ExitCode.USAGE.code(), job + ": " + e.getMessage());
            } catch (IOException | UncheckedIOException e) {
                journal.stopAnyway();
                world.abort(ExitCode.FAILED.code(), job + ": " + name + ": " + IoReason.of(e));
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        threads.add(thread);
    }

    /** The other ranks' way to it. */
    static WorkSource from(World world) {
        return (free, ahead, idle) -> {
            world.send(new Ask(free, ahead, idle), Ask.class, 0, ASK);
            return world.receive(WorkQueue.Grant.class, 0, GRANT);
        };
    }

    /** Hands a journal's lines to rank 0; no lines are the end. */
    static Journal.Keeper keeper(World world) {
        return lines -> world.send(new String(lines, StandardCharsets.UTF_8), String.class, 0, LINES);
    }

    /** Waits until every rank has had its last samples and handed in its last lines. */
    @Override
    public void close() {
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        closed = true;
    }
}
