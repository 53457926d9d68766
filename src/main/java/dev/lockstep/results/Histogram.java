package dev.lockstep.results;

import java.util.Arrays;

/** How often whole numbers come up, in a bounded number of bins whose width doubles when a number lies beyond them. */
public final class Histogram {
    public static final int BINS = 40;

    private final long[] counts = new long[BINS];
    private int width = 1;
    private int max = -1; // there is none

    /** @param value 0 or more */
    public void add(int value) {
        while (value / width >= BINS) {
            for (int i = 0; i < BINS; i++) {
                counts[i] = 2 * i < BINS ? counts[2 * i] + counts[2 * i + 1] : 0;
            }
            width *= 2;
        }
        counts[value / width]++;
        max = Math.max(max, value);
    }

    /** Numbers in a bin: bin {@code i} has those from {@code i * width} to before {@code (i + 1) * width}. */
    public int width() {
        return width;
    }

    /** How many fell into each bin, up to the one of the largest number; empty where there are none. */
    public long[] counts() {
        return max < 0 ? new long[0] : Arrays.copyOf(counts, max / width + 1);
    }
}
