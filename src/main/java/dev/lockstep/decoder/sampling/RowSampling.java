package dev.lockstep.decoder.sampling;

import java.util.Arrays;

/**
 * How the tokens of one sequence are sampled.
 *
 * @param greedy            take the likeliest token
 * @param temperature       divides the logits; above 0
 * @param topK              keep the k likeliest tokens; 0 keeps all
 * @param topP              keep the likeliest tokens that together reach this probability; 1 keeps all
 * @param minP              drop tokens less likely than this fraction of the likeliest; 0 drops none
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that the row has; 1 is none
 * @param presencePenalty   taken from the logits of tokens that were generated; 0 is none
 * @param frequencyPenalty  taken from them for each time; 0 is none
 * @param minNewTokens      no end token before so many new tokens
 * @param endTokens         the tokens that {@code minNewTokens} holds back, within the vocabulary
 * @param randomKey         with the step and the token it fixes every random number of the row
 * @param logprobs          log-probabilities are wanted
 * @param refinements       what few rows have
 */
public record RowSampling(boolean greedy, double temperature, int topK, double topP, double minP,
        double repetitionPenalty, double presencePenalty, double frequencyPenalty, int minNewTokens, int[] endTokens,
        long randomKey, boolean logprobs, SamplingRefinements refinements) {
    /** Below this a row is greedy: float32 holds neither such a temperature nor what it makes of a logit. */
    private static final double LEAST_TEMPERATURE = 1e-30;
    /** From here on all tokens are alike in float32. */
    private static final double MOST_TEMPERATURE = 1e30;

    /**
     * Takes a temperature of next to nothing for what it comes to, which is greedy, and the end tokens once each.
     */
    public RowSampling {
        greedy |= temperature < LEAST_TEMPERATURE;
        temperature = Math.max(LEAST_TEMPERATURE, Math.min(MOST_TEMPERATURE, temperature));
        topP = Math.max(Float.MIN_NORMAL, topP);
        endTokens = Arrays.stream(endTokens).distinct().toArray();
    }

    /** Without presence and frequency penalty, without log-probabilities and refinements. */
    public RowSampling(boolean greedy, double temperature, int topK, double topP, double minP, double repetitionPenalty,
            int minNewTokens, int[] endTokens, long randomKey) {
        this(greedy, temperature, topK, topP, minP, repetitionPenalty, 0, 0, minNewTokens, endTokens, randomKey,
                false, SamplingRefinements.NONE);
    }

    /** Whether some penalty needs to know the tokens that the row has. */
    public boolean penalized() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
                || refinements.promptPenalty() != 1;
    }
}
