package dev.lockstep.model;

/**
 * How the decoder chooses the tokens of one row.
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
 * @param endTokens         the tokens that {@code minNewTokens} holds back
 * @param randomKey         with the step and the token it fixes every random number of the row
 * @param ranked            log-probabilities are wanted
 */
public record RowSettings(boolean greedy, double temperature, int topK, double topP, double minP,
        double repetitionPenalty, double presencePenalty, double frequencyPenalty, int minNewTokens, int[] endTokens,
        long randomKey, boolean ranked) {
    /** Without presence and frequency penalty and without log-probabilities. */
    public RowSettings(boolean greedy, double temperature, int topK, double topP, double minP, double repetitionPenalty,
            int minNewTokens, int[] endTokens, long randomKey) {
        this(greedy, temperature, topK, topP, minP, repetitionPenalty, 0, 0, minNewTokens, endTokens, randomKey,
                false);
    }

    /** Whether some penalty needs to know the tokens that the row has. */
    public boolean penalized() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }
}
