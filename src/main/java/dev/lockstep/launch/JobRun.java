package dev.lockstep.launch;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.output.Console;
import dev.lockstep.launch.ranks.Signals;
import dev.lockstep.wire.Past;

/**
 * A job from the start of its ranks to its exit code. Where a rank dies and that is wanted, what is left of the ranks is
 * ended and all are started again: nothing of one set of ranks reaches the next but what their program has written down.
 */
final class JobRun {
    /** Ctrl-C reaches the ranks as it reaches us, and may be heard of from them first. */
    private static final long SIGNAL_MILLIS = 300;

    /** Finds places for the ranks. */
    interface Planner {
        /**
         * @param lost hosts that were lost before; whether they are back is for the planner to find out
         * @throws UsageException when there are not enough places
         */
        LaunchModes.Plan plan(LaunchModes launch, Set<String> lost) throws IOException;
    }

    private final Supervisor.Options options;
    private final RestartPolicy policy;
    private final LaunchModes launch;
    private final Planner planner;
    private final Console output;
    private final Set<String> lost = new LinkedHashSet<>();
    private @Nullable Supervisor current;
    private boolean stopping;

    JobRun(Supervisor.Options options, RestartPolicy policy, LaunchModes launch, Planner planner, Console output) {
        this.options = options;
        this.policy = policy;
        this.launch = launch;
        this.planner = planner;
        this.output = output;
    }

    /**
     * @return the job's exit code; what is to be said about it has been said
     * @throws UsageException when the ranks cannot be started a first time
     */
    int run() throws IOException, InterruptedException {
        Past past = new Past(UUID.randomUUID().toString(), 0, List.of());
        LaunchModes now = launch.first(past);
        LaunchModes.Plan plan = planner.plan(now, lost);
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        while (true) {
            long began = System.nanoTime();
            try (Coordinator coordinator = new Coordinator(plan.size(), now.router().events(), plan.agents(),
                    now.job().traffic().ports())) {
                if (options.verbose()) {
                    plan.lines().apply(coordinator.address()).forEach(line -> output.say("mpjrun: " + line));
                }
                Supervisor ranks = new Supervisor(options, coordinator, plan.spawner().apply(coordinator),
                        now.router().events(), output);
                if (!begin(ranks)) {
                    return Signals.TERMINATED;
                }
                Supervisor.Outcome outcome = ranks.run();
                Verdict verdict = outcome.verdict();
                if (verdict.code() == Signals.INTERRUPTED || verdict.code() == Signals.TERMINATED) {
                    Thread.sleep(SIGNAL_MILLIS);
                }
                int code = code(outcome, past);
                if (!startsAgain(outcome)) {
                    ranks.report(lastLine(verdict), true);
                    ranks.close(code);
                    return code;
                }
                String death = Objects.requireNonNull(verdict.line());
                long end = System.nanoTime();
                Duration pause = policy.restart(began, outcome.worked(), end);
                ranks.report(death + "; " + policy.count(end)
                        + (pause.isZero() ? "" : " in " + Supervisor.seconds(pause)), false);
                ranks.close(code);
                past = past.after(death.replaceFirst("^mpjrun: ", ""));
                lost.addAll(outcome.lost());
                await(pause);
                now = launch.again(past);
                try {
                    plan = planner.plan(now, lost);
                } catch (UsageException e) {
                    ranks.report("mpjrun: the job is not started again: " + e.getMessage(), true);
                    return code;
                }
            }
        }
    }

    private synchronized boolean startsAgain(Supervisor.Outcome outcome) {
        return policy.isOn() && outcome.verdict().death() && outcome.done() == null && !stopping
                && policy.allows(System.nanoTime());
    }

    private int code(Supervisor.Outcome outcome, Past past) {
        Verdict verdict = outcome.verdict();
        if (policy.isOn() && verdict.death() && outcome.done() != null) {
            return outcome.done(); // all that the job was for is there
        }
        // that a host cannot be reached is no wrong usage once it has been
        return verdict.death() && past.restarts() > 0 && ExitCode.USAGE.is(verdict.code())
                ? ExitCode.FAILED.code()
                : verdict.code();
    }

    private @Nullable String lastLine(Verdict verdict) {
        int used = policy.used(System.nanoTime());
        return verdict.line() == null || !verdict.death() || used == 0
                ? verdict.line()
                : verdict.line() + " (after " + policy.count(System.nanoTime()) + ")";
    }

    /** No longer than the job may take. */
    private void await(Duration pause) throws InterruptedException {
        long millis = pause.toMillis();
        if (options.timeout() != null) {
            millis = Math.min(millis,
                    options.timeout().toMillis() - (System.nanoTime() - options.begin()) / 1_000_000L);
        }
        if (millis > 0) {
            Thread.sleep(millis);
        }
    }

    private synchronized boolean begin(Supervisor ranks) {
        if (stopping) {
            return false;
        }
        current = ranks;
        return true;
    }

    /** The launcher itself is ended. */
    private void stop() {
        Supervisor ranks;
        synchronized (this) {
            stopping = true;
            ranks = current;
        }
        if (ranks != null) {
            ranks.stop();
        }
    }
}
