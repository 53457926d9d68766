package dev.lockstep.launch;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
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
 * Starts the ranks and sees them through to their end. All it learns comes through one queue and is taken in
 * by one thread, so what came first is a fact: the rank that failed first decides how they end.
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
     * @param begin     of the job, by System.nanoTime
     * @param timeout   after which the job is ended, or null
     * @param bootstrap from the first rank in World.init to the last, and from then until all are out of it
     * @param collective how long a rank may let others wait in a collective without a sign; zero: for ever
     * @param heartbeat  a rank that is silent for so long is dead
     * @param quiet     whether progress is kept to itself
     * @param terminal  whether stderr is a terminal
     * @param verbose   whether it is said by what the ranks send messages
     */
    record Options(long begin, @Nullable Duration timeout, Duration bootstrap, Duration collective, Duration heartbeat,
            boolean quiet, boolean terminal, boolean verbose) {}

    /** So long a launcher that is ended waits for what there is to say about it. */
    private static final long REPORT_NANOS = 3_000_000_000L;
    private static final long LOOK_MILLIS = 50;
    private static final String EARLY_EXIT = "exited with code 0 without World.close, while other ranks were at work";
    /** Between two looks of a launcher that nothing holds up; a host with too much to do takes longer, again and again. */
    private static final long PAUSE_NANOS = 4 * LOOK_MILLIS * 1_000_000L;
    private static final long HEARTBEAT_NANOS = 1_000_000_000L;

    /**
     * What became of the ranks.
     *
     * @param verdict how they ended
     * @param lost   hosts that were lost with their ranks
     * @param worked whether rows were finished
     * @param done   the code with which the program wanted to end, whose work was all done; null: it was not
     */
    record Outcome(Verdict verdict, Set<String> lost, boolean worked, @Nullable Integer done) {}

    private final Options options;
    private final Coordinator coordinator;
    private final Spawner spawner;
    private final BlockingQueue<LaunchEvent> events;
    private final Console output;
    private final ProgressLine progress;
    private final List<SupervisedRank> ranks = new ArrayList<>();

    private @Nullable Verdict verdict;
    private Message.@Nullable Kept kept;
    private @Nullable SupervisedRank suspect; // broke its link; what it was is known once its process has ended
    private final Set<String> lostHosts = new LinkedHashSet<>();
    private boolean worked;
    private @Nullable Integer done;
    private boolean secondHand; // the verdict: by a rank that could not reach another, which may be heard of later
    private long killAt;
    private long suspectUntil;
    private int byeCode;
    private volatile boolean stopping;
    private final CollectiveWatchdog watchdog;
    private final RankArrivals arrivals;
    private final CountDownLatch reported = new CountDownLatch(1);
    private final OwnPauses pauses = new OwnPauses(PAUSE_NANOS, System.nanoTime());
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
     * Runs the ranks to their end; what there is to say about it is for {@link #report}.
     */
    Outcome run() throws InterruptedException {
        start();
        while (!ranks.stream().allMatch(SupervisedRank::isDone)) {
            LaunchEvent event = events.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            forgivePause();
            while (event != null) {
                take(event);
                event = events.poll();
            }
            watchClock(System.nanoTime() - options.begin());
        }
        ranks.forEach(rank -> rank.process.drain());
        for (LaunchEvent event; (event = events.poll()) != null;) {
            take(event); // the last of the output may have found no place
        }
        output.endStatus();
        return new Outcome(verdict == null ? new Verdict(byeCode, null, false) : verdict, lostHosts, worked, done);
    }

    /** Lets go of what the ranks were started with, once all has been said. */
    void close(int code) {
        spawner.close(code);
    }

    private void start() {
        for (int rank = 0; rank < spawner.size(); rank++) {
            synchronized (ranks) {
                if (stopping) {
                    return;
                }
                try {
                    ranks.add(new SupervisedRank(rank, spawner.start(rank)));
                } catch (IOException e) {
                    conclude(Verdict.end(ExitCode.FAILED, e.getMessage()));
                    return;
                }
            }
        }
    }

    private void take(LaunchEvent event) {
        if (event instanceof LaunchEvent.Said said) {
            take(ranks.get(said.rank()), said.message());
        } else if (event instanceof LaunchEvent.LinkLost lost) {
            SupervisedRank rank = ranks.get(lost.rank());
            rank.linked = false;
            if (rank.exit != null) {
                judge(rank);
            } else if (rank.bye == null && verdict == null && othersRun(rank)) {
                suspect = rank;
                suspectUntil = System.nanoTime() + LAST_WORDS_NANOS;
                verdict = Verdict.death(ExitCode.FAILED.code(), rank.failedFirst("its control link broke"));
                endRanksBut(rank);
            }
        } else if (event instanceof LaunchEvent.Exited exited) {
            SupervisedRank rank = ranks.get(exited.rank());
            rank.exit = exited.code();
            rank.exitSeen = System.nanoTime();
            releaseIfOver();
            if (!rank.linked) {
                judge(rank);
            }
        } else if (event instanceof LaunchEvent.Lost lost) {
            boolean death = !lost.host().isEmpty();
            if (death) {
                lostHosts.add(lost.host());
            }
            if (verdict == null) {
                conclude(new Verdict(lost.code(), Verdict.said(lost.line()), death));
            }
        } else if (verdict == null) {
            conclude(new Verdict(Signals.OUTPUT_CLOSED, null, false));
        }
    }

    private void take(SupervisedRank rank, Message message) {
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
                conclude(ExitCode.USAGE.is(failure.code())
                        ? new Verdict(failure.code(), failure.cause(), false)
                        : Verdict.death(failure.code(), rank.failedFirst(failure.cause())));
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
        } else if (message instanceof Message.Done all) {
            done = all.code();
        } else if (message instanceof Message.Kept keeps) {
            kept = keeps.place().isEmpty() ? null : keeps;
        } else if (message instanceof Message.Progress far) {
            worked |= far.done() > 0;
            if (options.quiet() || verdict != null) {
                progress.take(rank.number, far);
            } else {
                progress.update(rank.number, far, System.nanoTime());
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
    private void judge(SupervisedRank rank) {
        int code = Objects.requireNonNull(rank.exit);
        if (rank == suspect) {
            suspect = null;
            verdict = code == 0
                    ? new Verdict(ExitCode.FAILED.code(), Verdict.said(rank.failedFirst(EARLY_EXIT)), false)
                    : Verdict.death(code, rank.failedFirst(Signals.describe(code)));
        } else if (secondHand && code == Signals.KILLED && killAt != 0) {
            secondHand = false; // not by us, who have only asked it to end
            verdict = Verdict.death(code, rank.failedFirst(Signals.describe(code)));
        } else if (verdict != null) {
            return;
        } else if (code != 0 && (rank.bye == null || rank.bye != code)) {
            conclude(Verdict.death(code, rank.failedFirst(Signals.describe(code))));
        } else if (code == 0 && arrivals.hasCome(rank.number) && rank.bye == null && othersRun(rank)) {
            conclude(Verdict.end(ExitCode.FAILED, rank.failedFirst(EARLY_EXIT)));
        } else if (code == 0 && !arrivals.hasCome(rank.number)
                && ranks.stream().anyMatch(each -> arrivals.hasCome(each.number))) {
            conclude(Verdict.end(ExitCode.FAILED,
                    rank.failedFirst("exited with code 0 without World.init, where other ranks wait for it")));
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
        for (SupervisedRank rank : ranks) {
            // its process is gone but something it started still holds the link
            if (rank.exit != null && rank.linked && now > rank.exitSeen + LEFT_BEHIND_NANOS) {
                rank.linked = false;
                judge(rank);
            }
        }
        if (verdict == null && options.timeout() != null && sinceBegin > options.timeout().toNanos()) {
            conclude(Verdict.end(ExitCode.TIMED_OUT,
                    "the job was ended after its time-out of " + seconds(options.timeout())));
        }
        if (verdict == null) {
            arrivals.check(now, rank -> ranks.get(rank).lastSeen())
                    .ifPresent(line -> conclude(Verdict.death(ExitCode.TIMED_OUT.code(), line)));
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
            ranks.stream().filter(rank -> rank.isSilent(now, options.heartbeat().toNanos())).findFirst()
                    .ifPresent(rank -> {
                        lostHosts.add(rank.process.host());
                        conclude(Verdict.death(ExitCode.TIMED_OUT.code(),
                                rank.failedFirst(rank.silence(now, options.heartbeat()))));
                    });
        }
        if (verdict == null) {
            // ranks in different collectives would be so again; one that hangs need not
            watchdog.check(now).ifPresent(finding -> conclude(finding.code() == ExitCode.TIMED_OUT
                    ? Verdict.death(finding.code().code(), finding.line())
                    : new Verdict(finding.code().code(), Verdict.said(finding.line()), false)));
        }
    }

    /** After a pause of our own, by SIGSTOP say, nobody else is late. */
    private void forgivePause() {
        long pause = pauses.look(System.nanoTime());
        if (pause > 0) {
            ranks.forEach(rank -> rank.heard += pause);
            watchdog.forgive(pause);
            arrivals.forgive(pause);
        }
    }

    private void conclude(Verdict found) {
        verdict = found;
        endRanksBut(null);
    }

    private boolean othersRun(SupervisedRank rank) {
        return ranks.stream().anyMatch(other -> other != rank && !other.isDone() && other.bye == null);
    }

    private void endRanksBut(@Nullable SupervisedRank spared) {
        for (SupervisedRank rank : ranks) {
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
    void stop() {
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

    /**
     * Says how the ranks have ended, unless it is the launcher that was ended.
     *
     * @param line or null
     * @param over whether the job ends with them
     */
    void report(@Nullable String line, boolean over) {
        if (!stopping && line != null) {
            output.say(line);
        }
        if (kept != null && over && (stopping || verdict != null)) {
            progress.kept(kept).ifPresent(rows -> output.say("mpjrun: " + rows));
        }
        reported.countDown();
    }

    static String seconds(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() / 1000.0 + " s";
    }
}
