package dev.lockstep.generate;

import org.jspecify.annotations.Nullable;

/**
 * One sequence to generate.
 *
 * @param index     the prompt's place in the whole input, from 0; with seed and sample it fixes the random numbers, so
 *                  two requests that differ in none of the three draw the same ones
 * @param sample    which sample of that prompt, from 0
 * @param promptIds the prompt's tokens, at least one, special tokens among them: nothing is added to these, while
 *                  {@link dev.lockstep.tokenizer.Tokenizer#encode} adds the tokenizer's own if it is told to
 * @param params    how to choose tokens and when to end
 * @param forced    tokens that come whatever the model would choose, for their log-probabilities, and then it ends; empty
 *                  where the model chooses
 * @param embedding how the prompt becomes a vector, and nothing is generated; null where something is
 */
public record Request(int index, int sample, int[] promptIds, SamplingParams params, int[] forced,
        @Nullable Embedding embedding) {
    private static final int[] NONE = {};

    /** One whose tokens the model chooses. */
    public Request(int index, int sample, int[] promptIds, SamplingParams params) {
        this(index, sample, promptIds, params, NONE, null);
    }

    /** One whose completion is the prompt's embedding, and has no tokens. */
    public static Request embedding(int index, int sample, int[] promptIds, Embedding how) {
        return new Request(index, sample, promptIds,
                SamplingParams.builder(1).greedy(true).ignoreEos(true).build(), NONE, how);
    }

    /**
     * One that finds out how likely the model holds these tokens, at least one, after the prompt. Its completion has them,
     * with their log-probabilities and those of the likeliest tokens in their places.
     *
     * @param logprobs of so many likeliest tokens, from 1 to {@value SamplingParams#MOST_LOGPROBS}
     */
    public static Request scoring(int index, int sample, int[] promptIds, int[] tokens, int logprobs) {
        return new Request(index, sample, promptIds,
                SamplingParams.builder(tokens.length).greedy(true).ignoreEos(true).logprobs(logprobs).build(), tokens,
                null);
    }
}
