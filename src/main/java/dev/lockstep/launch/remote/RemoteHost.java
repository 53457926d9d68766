package dev.lockstep.launch.remote;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Closing;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.IoReason;
import dev.lockstep.launch.output.LinePump;
import dev.lockstep.launch.output.OutputRouter;
import dev.lockstep.launch.ranks.LaunchEvent;
import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Signals;
import dev.lockstep.wire.HostRanks;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.SealedLink;

/** An agent on another host as the launcher sees it: what it is told, and what it says about its ranks. */
final class RemoteHost {
    /** Of a host that was never heard of: no host's name. */
    private static final String UNKNOWN = "?";

    private static final long OWN_PAUSE_NANOS = 500_000_000L;

    private final HostRanks share;
    private final OutputRouter router;
    private final BlockingQueue<LaunchEvent> events;
    private final Duration silence;
    private final Map<Integer, RemoteProcess> processes = new LinkedHashMap<>();
    private final CountDownLatch enlisted = new CountDownLatch(1);
    private final CountDownLatch drained = new CountDownLatch(1);
    private volatile String name;
    private volatile @Nullable SealedLink link; // null: it has not enlisted
    private volatile boolean passing;
    private boolean givingUp;
    private boolean givenUp;

    /**
     * @param share   with an empty host and a negative localSize where only the agent knows
     * @param silence a host whose ranks were killed has said so by then, or never will
     */
    RemoteHost(HostRanks share, OutputRouter router, BlockingQueue<LaunchEvent> events, Duration silence) {
        this.share = share;
        this.silence = silence;
        this.router = router;
        this.events = events;
        this.name = share.host();
        share.ranks().forEach(rank -> processes.put(rank, new RemoteProcess(rank)));
    }

    HostRanks share() {
        return share;
    }

    RankProcess process(int rank) {
        return Objects.requireNonNull(processes.get(rank));
    }

    boolean isEnlisted() {
        return link != null;
    }

    /** Whether the agent enlists, or is given up, within that time. */
    boolean awaitEnlisted(long millis) throws InterruptedException {
        return enlisted.await(millis, TimeUnit.MILLISECONDS);
    }

    /**
     * Tells the agent what to start and hears it until its link ends.
     *
     * @param ownOutput whether its ranks keep their output
     */
    void serve(SealedLink agent, Message.AgentHello enlist, JobSpec job, boolean ownOutput)
            throws IOException {
        synchronized (this) {
            if (givenUp || link != null) {
                return;
            }
            name = share.host().isEmpty() ? enlist.host() : share.host();
            link = agent;
        }
        enlisted.countDown();
        HostRanks placed = share.localSize() > 0
                ? share
                : new HostRanks(share.ranks(), share.size(), enlist.localRank(), enlist.localSize(), name);
        send(new Message.Assignment(placed, job, ownOutput));
        Map<Integer, LinePump.Lines> lines = new HashMap<>();
        Map<Integer, ByteArrayOutputStream> parts = new HashMap<>();
        try {
            for (Message message; (message = agent.read()) != null;) {
                if (message instanceof Message.Output output && processes.containsKey(output.rank())) {
                    int key = 2 * output.rank() + output.stream();
                    ByteArrayOutputStream line = parts.computeIfAbsent(key, k -> new ByteArrayOutputStream());
                    line.write(output.bytes());
                    if (!output.more()) {
                        LinePump.Lines sink = lines.get(key);
                        if (sink == null) {
                            sink = lines(output.rank(), output.stream());
                            lines.put(key, sink);
                        }
                        pass(sink, line.toByteArray());
                        line.reset();
                    }
                } else if (message instanceof Message.Exited exited && processes.containsKey(exited.rank())) {
                    processes.get(exited.rank()).exit(exited.code());
                } else if (message instanceof Message.Ran ran && processes.containsKey(ran.rank())) {
                    processes.get(ran.rank()).ran = ran.nanos();
                } else if (message instanceof Message.Failure failure) {
                    refuse(failure.code(), "host " + name + ": " + failure.cause());
                } else if (message instanceof Message.Drained) {
                    drained.countDown();
                }
            }
        } finally {
            lose(ExitCode.FAILED.code(), ranks() + " on host " + name + " lost: the connection to the host broke");
        }
    }

    /** The host is gone, which is said if nothing else has been: ends its ranks as far as the launcher is concerned. */
    void lose(int code, String line) {
        give(code, line, !share.host().isEmpty() ? share.host() : name.isEmpty() ? UNKNOWN : name);
    }

    /** The same for a reason that is not the host's end, but one that would be there again. */
    void refuse(int code, String line) {
        give(code, line, "");
    }

    private void give(int code, String line, String gone) {
        synchronized (this) {
            if (!givenUp && processes.values().stream().anyMatch(RankProcess::isAlive)) {
                events.add(new LaunchEvent.Lost(code, line, gone));
            }
            givenUp = true;
        }
        processes.values().forEach(process -> process.exit(code));
        enlisted.countDown();
        drained.countDown();
        if (link != null) {
            Closing.quietly(link);
        }
    }

    /** The job is over: the agent ends with this code. */
    void over(int code) {
        send(new Message.Dismiss(code));
    }

    /** A host that is cut off never answers, and its link may take a quarter of an hour to break. */
    private synchronized void giveUpLater() {
        if (givingUp || givenUp) {
            return;
        }
        givingUp = true;
        Thread waiting = new Thread(() -> {
            try {
                long asked = System.nanoTime();
                while (!drained.await(silence.toMillis(), TimeUnit.MILLISECONDS)) {
                    long waited = System.nanoTime() - asked;
                    asked += waited;
                    // it is not our own reader that is slow, nor this process that was stopped meanwhile
                    if (!passing && waited < silence.toNanos() + OWN_PAUSE_NANOS) {
                        lose(ExitCode.FAILED.code(), "host " + name + " does not answer");
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "give up " + name);
        waiting.setDaemon(true);
        waiting.start();
    }

    private String ranks() {
        return (share.ranks().size() == 1 ? "rank " : "ranks ")
                + share.ranks().stream().map(String::valueOf).collect(Collectors.joining(", "));
    }

    private LinePump.Lines lines(int rank, int stream) {
        try {
            return router.lines(rank, stream);
        } catch (IOException e) {
            events.add(new LaunchEvent.Lost(ExitCode.FAILED.code(), IoReason.of(e), ""));
            return (bytes, offset, length) -> {
                // nowhere to put it; the job is at its end
            };
        }
    }

    private void pass(LinePump.Lines sink, byte[] bytes) {
        passing = true;
        try {
            sink.accept(bytes, 0, bytes.length);
        } catch (IOException e) {
            // nobody reads it; the rank goes on until the supervisor has heard
        } finally {
            passing = false;
        }
    }

    private synchronized void send(Message message) {
        try {
            if (link != null) {
                link.send(message);
            }
        } catch (IOException e) {
            // the reader notices
        }
    }

    /** One of its ranks. */
    private final class RemoteProcess implements RankProcess {
        private final int rank;
        private boolean exited;
        private volatile boolean ending;
        private volatile long ran = -1;

        RemoteProcess(int rank) {
            this.rank = rank;
        }

        @Override
        public String host() {
            return name.isEmpty() ? "not yet known" : name;
        }

        @Override
        public synchronized boolean isAlive() {
            return !exited;
        }

        @Override
        public boolean isStarted() {
            return isEnlisted();
        }

        @Override
        public long ran() {
            send(new Message.Look(rank));
            return ran;
        }

        @Override
        public void end() {
            end(false);
        }

        @Override
        public void endChildren() {
            end(true);
        }

        private void end(boolean sparesRank) {
            ending = true;
            if (isEnlisted()) {
                send(new Message.End(rank, sparesRank));
            } else {
                refuse(Signals.TERMINATED, ranks() + " not started"); // an agent that comes now is sent away
            }
        }

        @Override
        public boolean isEnding() {
            return ending && isAlive();
        }

        @Override
        public void kill() {
            send(new Message.Kill(rank));
            giveUpLater();
        }

        @Override
        public void drain() {
            try {
                drained.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        synchronized void exit(int code) {
            if (!exited) {
                exited = true;
                events.add(new LaunchEvent.Exited(rank, code));
            }
        }
    }
}
