package dev.lockstep.report;

import java.util.Locale;

/**
 * The last words of a job.
 *
 * @param tokens  generated in this run, end tokens included
 * @param prompts rows of the input, failed ones included
 * @param seconds from the barrier before generation to the end of the gather
 */
public record Summary(long tokens, int prompts, double seconds) {
    /** Tokens by second; 0 where no time passed. */
    public double tokensPerSecond() {
        return seconds > 0 ? tokens / seconds : 0;
    }

    /** The last line on stdout, such as {@code tokens/sec: 57.7, time elapsed: 173.17, num_tokens 10000, num_prompts 100}. */
    public String line() {
        return String.format(Locale.ROOT, "tokens/sec: %.1f, time elapsed: %.2f, num_tokens %d, num_prompts %d",
                tokensPerSecond(), seconds, tokens, prompts);
    }
}
