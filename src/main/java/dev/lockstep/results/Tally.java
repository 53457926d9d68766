package dev.lockstep.results;

import org.jspecify.annotations.Nullable;

/** Results in figures, counted one by one so that they need not be held. */
public final class Tally {
    private final FailureKinds failures = new FailureKinds();
    private final Histogram lengths = new Histogram();
    private int results;
    private long promptTokens;

    /**
     * @param error            the result's, or null
     * @param promptTokens     0 for all samples of a prompt but one
     * @param completionTokens the result's
     */
    public void add(@Nullable String error, int promptTokens, int completionTokens) {
        results++;
        this.promptTokens += promptTokens;
        if (error == null) {
            lengths.add(completionTokens);
        } else {
            failures.add(error);
        }
    }

    public int results() {
        return results;
    }

    public long promptTokens() {
        return promptTokens;
    }

    public FailureKinds failures() {
        return failures;
    }

    /** New tokens of the results without an error. */
    public Histogram lengths() {
        return lengths;
    }
}
