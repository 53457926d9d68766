package dev.lockstep.job;

/** Results in figures, counted one by one so that they need not be held. */
final class Tally {
    private final Failures failures = new Failures();
    private final Histogram lengths = new Histogram();
    private int results;
    private long promptTokens;

    /**
     * @param error            the result's, or null
     * @param promptTokens     0 for all samples of a prompt but one
     * @param completionTokens the result's
     */
    void add(String error, int promptTokens, int completionTokens) {
        results++;
        this.promptTokens += promptTokens;
        if (error == null) {
            lengths.add(completionTokens);
        } else {
            failures.add(error);
        }
    }

    int results() {
        return results;
    }

    long promptTokens() {
        return promptTokens;
    }

    Failures failures() {
        return failures;
    }

    /** New tokens of the results without an error. */
    Histogram lengths() {
        return lengths;
    }
}
