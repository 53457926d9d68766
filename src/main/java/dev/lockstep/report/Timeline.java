package dev.lockstep.report;

import java.util.Arrays;

import dev.lockstep.generate.Timing;

/**
 * What a rank does over time, in buckets of equal width. When the last one is full each two become one of twice the width,
 * so it takes the same memory however long the job is.
 */
final class Timeline {
    static final int BUCKETS = 256;
    /** A power of two, so that the buckets of all ranks fit into each other. */
    private static final double FIRST_WIDTH = 1.0 / 1024;

    /**
     * A timeline as it is handed to rank 0.
     *
     * @param width   seconds of a bucket; the first begins where the clock does
     * @param tokens  new tokens in each
     * @param prefill seconds of prefill in each
     * @param decode  seconds of decode steps in each
     * @param waiting seconds in each in which nothing was under way
     */
    record Buckets(double width, float[] tokens, float[] prefill, float[] decode, float[] waiting) {}

    private double width = FIRST_WIDTH;
    private final double[] tokens = new double[BUCKETS];
    private final double[] prefill = new double[BUCKETS];
    private final double[] decode = new double[BUCKETS];
    private final double[] waiting = new double[BUCKETS];
    private double last;
    private long lastTokens;
    private Timing lastTiming = Timing.NONE;

    /**
     * Takes what has been done since the last call. Of that time, what went into prefill and decode is taken to be its end,
     * with waiting before it.
     *
     * @param now         seconds since the clock began
     * @param tokensSoFar fewer than before where rows had to begin again
     */
    void advance(double now, long tokensSoFar, Timing timing) {
        double decoding = timing.decodeSeconds() - lastTiming.decodeSeconds();
        double prefilling = timing.prefillSeconds() - lastTiming.prefillSeconds();
        double waited = timing.waitSeconds() - lastTiming.waitSeconds();
        while (now > BUCKETS * width) {
            widen();
        }
        double decodeFrom = Math.max(last, now - decoding);
        double prefillFrom = Math.max(last, decodeFrom - prefilling);
        double waitFrom = Math.max(last, prefillFrom - waited);
        spread(decode, decodeFrom, now, now - decodeFrom);
        spread(prefill, prefillFrom, decodeFrom, decodeFrom - prefillFrom);
        spread(waiting, waitFrom, prefillFrom, prefillFrom - waitFrom);
        spread(tokens, prefillFrom, now, tokensSoFar - lastTokens);
        last = Math.max(last, now);
        lastTokens = tokensSoFar;
        lastTiming = timing;
    }

    private void widen() {
        for (double[] values : new double[][]{tokens, prefill, decode, waiting}) {
            for (int i = 0; i < BUCKETS / 2; i++) {
                values[i] = values[2 * i] + values[2 * i + 1];
            }
            Arrays.fill(values, BUCKETS / 2, BUCKETS, 0);
        }
        width *= 2;
    }

    private void spread(double[] values, double from, double to, double amount) {
        spread(values, width, 0, from, to, amount);
    }

    /**
     * Adds an amount to buckets, to each the share that it has of the time from {@code from} to {@code to}. What lies
     * outside of the buckets is left out.
     *
     * @param begin of the first bucket
     */
    static void spread(double[] values, double width, double begin, double from, double to, double amount) {
        if (to <= from) {
            int at = (int) Math.floor((from - begin) / width);
            values[Math.max(0, Math.min(values.length - 1, at))] += amount;
            return;
        }
        int first = (int) Math.max(0, Math.floor((from - begin) / width));
        for (int i = first; i < values.length && begin + i * width < to; i++) {
            double share = Math.min(to, begin + (i + 1) * width) - Math.max(from, begin + i * width);
            values[i] += Math.max(0, share) / (to - from) * amount;
        }
    }

    /** What there is so far, without buckets for time that has not come. */
    Buckets buckets() {
        int used = (int) Math.min(BUCKETS, Math.ceil(last / width));
        return new Buckets(width, floats(tokens, used), floats(prefill, used), floats(decode, used),
                floats(waiting, used));
    }

    private static float[] floats(double[] values, int used) {
        float[] floats = new float[used];
        for (int i = 0; i < used; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
