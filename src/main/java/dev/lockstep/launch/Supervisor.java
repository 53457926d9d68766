package dev.lockstep.launch;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.launch.output.Console;
import dev.lockstep.launch.ranks.LaunchEvent;
import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Signals;
import dev.lockstep.launch.ranks.Spawner;
import dev.lockstep.watch.CollectiveWatchdog;
import dev.lockstep.wire.Message;

/**
 * Starts the ranks and sees them through to the job's exit code. All it learns comes through one queue and is taken in
 * by one thread, so what came first is a fact: the rank that failed first decides how the job ends.
 */
final class Supervisor {
    /** Between asking a rank to end and killing it. */
    private static final long TERM_NANOS = 300_000_000L;
    /**
     * A rank that breaks its link is about to end by itself; so long we wait for the exit code that says why. The kernel
     * closes a killed process's sockets before it takes down its memory, which a busy host does not do at once.
     */
    private static final long LAST_WORDS_NANOS = 10_000_000_000L;
    /** So long a link may be held by something that a rank started and that outlives it. */
    private static final long LEFT_BEHIND_NANOS = 1_000_000_000L;

    /**
     * @param timeout   after which the job is ended, or null
     * @param bootstrap from the first rank in World.init to the last, and from then until all are out of it
     * @param collective how long a rank may let others wait in a collective without a sign; zero: for ever
     * @param heartbeat  a rank that is silent for so long is dead
     * @param quiet     whether progress is kept to itself
     * @param terminal  whether stderr is a terminal
     * @param verbose   whether it is said by what the ranks send messages
     */
    record Options(@Nullable Duration timeout, Duration bootstrap, Duration collective, Duration heartbeat,
            boolean quiet, boolean terminal, boolean verbose) {}

    /** So long a launcher that is ended waits for what there is to say about it. */
    private static final long REPORT_NANOS = 3_000_000_000L;
    private static final long LOOK_MILLIS = 50;
    private static final String EARLY_EXIT = "exited with code 0 without World.close, while other ranks were at work";
    /** A look that comes later than this was held up. */
    private static final long PAUSE_NANOS = 1_000_000_000L;
    private static final long HEARTBEAT_NANOS = 1_000_000_000L;

    /** The verdict: how the job ends, with a line for stderr or null. */
    private record Verdict(int code, @Nullable String line) {}

    private static final class Rank {
        final int number;
        final RankProcess process;
        boolean linked;
        @Nullable
        Integer bye;
        @Nullable
        Integer exit;
        long exitSeen;
        long heard;

        Rank(int number, RankProcess process) {
            this.number = number;
            this.process = process;
        }

        boolean isDone() {
            return exit != null && !linked;
        }
    }

    private final Options options;
    private final Coordinator coordinator;
    private final Spawner spawner;
    private final BlockingQueue<LaunchEvent> events;
    private final Console output;
    private final ProgressLine progress;
    private final List<Rank> ranks = new ArrayList<>();

    private @Nullable Verdict verdict;
    private Message.@Nullable Kept kept;
    private @Nullable Rank suspect; // broke its link; what it was is known once its process has ended
    private boolean secondHand; // the verdict: by a rank that could not reach another, which may be heard of later
    private long killAt;
    private long suspectUntil;
    private int byeCode;
    private volatile boolean stopping;
    private final CollectiveWatchdog watchdog;
    private final RankArrivals arrivals;
    private final CountDownLatch reported = new CountDownLatch(1);
    private long looked;
    private long beat;

    Supervisor(Options options, Coordinator coordinator, Spawner spawner, BlockingQueue<LaunchEvent> events,
            Console output) {
        this.options = options;
        this.coordinator = coordinator;
        this.spawner = spawner;
        this.events = events;
        this.output = output;
        this.watchdog = new CollectiveWatchdog(coordinator.size(), options.collective(), System.nanoTime());
        this.arrivals = new RankArrivals(coordinator.size(), options.bootstrap());
        this.progress = new ProgressLine(coordinator.size(), output, options.terminal(), System.nanoTime());
    }

    /**
     * Runs the job to its end.
     *
     * @return its exit code; what is to be said about it has been said
     */
    int run() throws InterruptedException {
        long begin = System.nanoTime();
        looked = begin;
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        start();
        while (!ranks.stream().allMatch(Rank::isDone)) {
            LaunchEvent event = events.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            forgivePause();
            while (event != null) {
                take(event);
                event = events.poll();
            }
            watchClock(System.nanoTime() - begin);
        }
        ranks.forEach(rank -> rank.process.drain());
        for (LaunchEvent event; (event = events.poll()) != null;) {
            take(event); // the last of the output may have found no place
        }
        output.endStatus();
        int code = report();
        spawner.close(code);
        return code;
    }

    private void start() {
        for (int rank = 0; rank < spawner.size(); rank++) {
            synchronized (ranks) {
                if (stopping) {
                    return;
                }
                try {
                    ranks.add(new Rank(rank, spawner.start(rank)));
                } catch (IOException e) {
                    conclude(ExitCode.FAILED, e.getMessage());
                    return;
                }
            }
        }
    }

    private void take(LaunchEvent event) {
        if (event instanceof LaunchEvent.Said said) {
            take(ranks.get(said.rank()), said.message());
        } else if (event instanceof LaunchEvent.LinkLost lost) {
            Rank rank = ranks.get(lost.rank());
            rank.linked = false;
            if (rank.exit != null) {
                judge(rank);
            } else if (rank.bye == null && verdict == null && othersRun(rank)) {
                suspect = rank;
                suspectUntil = System.nanoTime() + LAST_WORDS_NANOS;
                verdict = new Verdict(ExitCode.FAILED.code(), first(rank, "its control link broke"));
                endRanksBut(rank);
            }
        } else if (event instanceof LaunchEvent.Exited exited) {
            Rank rank = ranks.get(exited.rank());
            rank.exit = exited.code();
            rank.exitSeen = System.nanoTime();
            releaseIfOver();
            if (!rank.linked) {
                judge(rank);
            }
        } else if (event instanceof LaunchEvent.Lost lost) {
            if (verdict == null) {
                conclude(lost.code(), ExitCode.USAGE.is(lost.code()) ? "mpjrun: " + lost.line() : lost.line());
            }
        } else if (verdict == null) {
            conclude(Signals.OUTPUT_CLOSED, null);
        }
    }

    private void take(Rank rank, Message message) {
        long now = System.nanoTime();
        rank.heard = now;
        watchdog.take(rank.number, message, now);
        arrivals.take(rank.number, message, now).ifPresent(this::answer);
        if (message instanceof Message.Hello) {
            rank.linked = true;
            ranks.stream().filter(other -> other.isDone() && !arrivals.hasCome(other.number)).findFirst()
                    .ifPresent(this::judge);
        } else if (message instanceof Message.Failure failure) {
            if (verdict == null) {
                secondHand = failure.cause().contains(Message.Failure.OF_MESSAGES);
                conclude(failure.code(),
                        ExitCode.USAGE.is(failure.code()) ? failure.cause() : first(rank, failure.cause()));
            }
        } else if (message instanceof Message.Bye bye) {
            rank.bye = bye.exitCode();
            watchdog.ended(rank.number);
            releaseIfOver();
        } else if (message instanceof Message.Joined joined) {
            if (options.verbose() && rank.number == 0 && joined.shares()) {
                output.say("mpjrun: the ranks of a host share memory");
            }
        } else if (message instanceof Message.Doing doing && !options.quiet()) {
            progress.say(doing, now);
        } else if (message instanceof Message.Kept keeps) {
            kept = keeps.place().isEmpty() ? null : keeps;
        } else if (message instanceof Message.Progress done) {
            if (options.quiet() || verdict != null) {
                progress.take(rank.number, done);
            } else {
                progress.update(rank.number, done, System.nanoTime());
            }
        }
    }

    private void answer(Message message) {
        coordinator.tellAll(message);
        if (options.verbose() && coordinator.size() > 1
                && !(message instanceof Message.Workers all && all.addresses().isEmpty())) {
            output.say("mpjrun: " + arrivals.messages());
        }
    }

    /** Ranks that are through wait for the others before they let go of their MPI. */
    private void releaseIfOver() {
        if (ranks.stream().allMatch(rank -> rank.bye != null || rank.exit != null)) {
            coordinator.tellAll(new Message.Release());
        }
    }

    /** A rank has ended and all it said has been heard: was that in order? */
    private void judge(Rank rank) {
        int code = Objects.requireNonNull(rank.exit);
        if (rank == suspect) {
            suspect = null;
            verdict = new Verdict(code == 0 ? ExitCode.FAILED.code() : code,
                    first(rank, code == 0 ? EARLY_EXIT : Signals.describe(code)));
        } else if (secondHand && code == Signals.KILLED && killAt != 0) {
            secondHand = false; // not by us, who have only asked it to end
            verdict = new Verdict(code, first(rank, Signals.describe(code)));
        } else if (verdict != null) {
            return;
        } else if (code != 0 && (rank.bye == null || rank.bye != code)) {
            conclude(code, first(rank, Signals.describe(code)));
        } else if (code == 0 && arrivals.hasCome(rank.number) && rank.bye == null && othersRun(rank)) {
            conclude(ExitCode.FAILED, first(rank, EARLY_EXIT));
        } else if (code == 0 && !arrivals.hasCome(rank.number)
                && ranks.stream().anyMatch(each -> arrivals.hasCome(each.number))) {
            conclude(ExitCode.FAILED,
                    first(rank, "exited with code 0 without World.init, where other ranks wait for it"));
        } else if (byeCode == 0) {
            byeCode = code;
        }
    }

    private void watchClock(long sinceBegin) {
        long now = System.nanoTime();
        if (suspect != null && now > suspectUntil) {
            suspect = null;
            endRanksBut(null);
        }
        for (Rank rank : ranks) {
            // its process is gone but something it started still holds the link
            if (rank.exit != null && rank.linked && now > rank.exitSeen + LEFT_BEHIND_NANOS) {
                rank.linked = false;
                judge(rank);
            }
        }
        if (verdict == null && options.timeout() != null && sinceBegin > options.timeout().toNanos()) {
            conclude(ExitCode.TIMED_OUT, "the job was ended after its time-out of " + seconds(options.timeout()));
        }
        if (verdict == null) {
            arrivals.check(now, rank -> lastSeen(ranks.get(rank)))
                    .ifPresent(line -> conclude(ExitCode.TIMED_OUT, line));
        }
        watchRanks(now);
        if (killAt != 0 && now > killAt) {
            killAt = 0;
            ranks.forEach(rank -> rank.process.kill());
        }
    }

    private void watchRanks(long now) {
        if (now > beat + HEARTBEAT_NANOS) {
            beat = now;
            coordinator.tellAll(new Message.Heartbeat(true));
        }
        if (verdict == null) {
            ranks.stream().filter(rank -> rank.linked && now > rank.heard + options.heartbeat().toNanos()).findFirst()
                    .ifPresent(rank -> conclude(ExitCode.TIMED_OUT, first(rank, "no heartbeat for "
                            + seconds(options.heartbeat()) + ": its process is frozen, or its host is gone")));
        }
        if (verdict == null) {
            watchdog.check(now).ifPresent(finding -> conclude(finding.code(), finding.line()));
        }
    }

    /** After a pause of our own, by SIGSTOP say, nobody else is late. */
    private void forgivePause() {
        long now = System.nanoTime();
        long pause = now - looked;
        looked = now;
        if (pause > PAUSE_NANOS) {
            ranks.forEach(rank -> rank.heard += pause);
            watchdog.forgive(pause);
            arrivals.forgive(pause);
        }
    }

    private void conclude(ExitCode code, @Nullable String line) {
        conclude(code.code(), line);
    }

    private void conclude(int code, @Nullable String line) {
        verdict = new Verdict(code, line);
        endRanksBut(null);
    }

    private String first(Rank rank, @Nullable String cause) {
        return "rank " + rank.number + " on host " + rank.process.host() + " failed first: " + cause;
    }

    /** Of a rank that has not come to World.init. */
    private static String lastSeen(Rank rank) {
        return rank.exit != null
                ? "on host " + rank.process.host() + ", " + Signals.describe(rank.exit)
                : rank.process.isStarted()
                        ? "started on host " + rank.process.host()
                                + ", its process is running, but has not connected: it has not called World.init"
                        : "its host has not started it yet";
    }

    private boolean othersRun(Rank rank) {
        return ranks.stream().anyMatch(other -> other != rank && !other.isDone() && other.bye == null);
    }

    private void endRanksBut(@Nullable Rank spared) {
        for (Rank rank : ranks) {
            if (rank.exit == null) {
                if (rank == spared) {
                    rank.process.endChildren();
                } else {
                    rank.process.end();
                }
            }
        }
        killAt = System.nanoTime() + TERM_NANOS;
    }

    /** The launcher itself is ended, by Ctrl-C or TERM: no rank may stay behind. The JVM's exit code says by what. */
    private void stop() {
        stopping = true;
        synchronized (ranks) {
            List<RankProcess> alive = ranks.stream().map(rank -> rank.process).filter(RankProcess::isAlive).toList();
            alive.forEach(RankProcess::end);
            long until = System.nanoTime() + TERM_NANOS;
            while (ranks.stream().anyMatch(rank -> rank.process.isEnding()) && System.nanoTime() < until) {
                LockSupport.parkNanos(5_000_000L);
            }
            ranks.forEach(rank -> rank.process.kill());
        }
        try {
            // the thread that takes in what ranks have said last; it need not be there any more
            reported.await(REPORT_NANOS, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        spawner.close(Signals.TERMINATED);
        coordinator.close();
    }

    private int report() throws InterruptedException {
        int code = verdict == null ? byeCode : verdict.code();
        if (!stopping && (code == Signals.INTERRUPTED || code == Signals.TERMINATED)) {
            // Ctrl-C reaches the ranks as it reaches us: then it is no rank's failure
            Thread.sleep(300);
        }
        if (!stopping && verdict != null && verdict.line() != null) {
            output.say(ExitCode.USAGE.is(verdict.code()) ? verdict.line() : "mpjrun: " + verdict.line());
        }
        if (kept != null && (stopping || verdict != null)) {
            progress.kept(kept).ifPresent(line -> output.say("mpjrun: " + line));
        }
        reported.countDown();
        return code;
    }

    static String seconds(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() / 1000.0 + " s";
    }
}
