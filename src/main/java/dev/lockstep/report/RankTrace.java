package dev.lockstep.report;

import java.util.IdentityHashMap;
import java.util.List;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.Timing;
import dev.lockstep.prompts.Prompt;

/** Keeps, in bounded memory, what a rank does when and which of its rows took longest. */
public final class RankTrace {
    /**
     * A rank's trace as it is handed to rank 0.
     *
     * @param loadSeconds  from the barrier before loading until the rank was ready to generate
     * @param readySeconds from that barrier until all ranks were; there the clock of the timeline begins
     */
    public record Snapshot(double loadSeconds, double readySeconds, Timeline.Buckets timeline,
            List<SlowSample> slowest) {
        /**
         * Seconds in which it had no row, after its last one too.
         *
         * @param own seconds until it was done
         * @param all seconds until all ranks were
         */
        double idleSeconds(double own, double all) {
            return waitSeconds() + Math.max(0, all - own);
        }

        /** Seconds of generation in which it had nothing under way. */
        double waitSeconds() {
            double seconds = 0;
            for (float each : timeline.waiting()) {
                seconds += each;
            }
            return seconds;
        }
    }

    private final int rank;
    private final Timeline timeline = new Timeline();
    private final SlowSample.Slowest slowest = new SlowSample.Slowest();
    private final IdentityHashMap<Request, Long> startedAt = new IdentityHashMap<>();
    private long clock = System.nanoTime();

    public RankTrace(int rank) {
        this.rank = rank;
    }

    /** Generation begins now. */
    public void begin() {
        clock = System.nanoTime();
    }

    public void starting(List<Request> requests) {
        long now = System.nanoTime();
        requests.forEach(request -> startedAt.put(request, now));
    }

    public void finished(Request request, Prompt prompt, Completion completion) {
        Long started = startedAt.remove(request);
        if (started != null) {
            slowest.add(prompt, completion, rank, (System.nanoTime() - started) / 1e9);
        }
    }

    /** @see Timeline#advance */
    public void stepped(long tokensSoFar, Timing timing) {
        timeline.advance((System.nanoTime() - clock) / 1e9, tokensSoFar, timing);
    }

    public Snapshot taken(double loadSeconds, double readySeconds) {
        return new Snapshot(loadSeconds, readySeconds, timeline.buckets(), slowest.rows());
    }
}
