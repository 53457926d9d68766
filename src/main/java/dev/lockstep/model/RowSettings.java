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

    /**
     * What some of these rows need, in the order of the program's flags: samples, a sort of the logits, penalties, end
     * tokens held back, log-probabilities.
     */
    static boolean[] needs(RowSettings... rows) {
        boolean[] needs = new boolean[5];
        for (RowSettings row : rows) {
            needs[0] |= !row.greedy;
            needs[1] |= !row.greedy && (row.topK > 0 || row.topP < 1);
            needs[2] |= row.penalized();
            needs[3] |= row.minNewTokens > 0 && row.endTokens.length > 0;
            needs[4] |= row.ranked;
        }
        return needs;
    }

    /** As the program keeps them by slot. */
    double[] reals() {
        return new double[]{greedy ? 1 : temperature, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty};
    }

    /** As the program keeps them. With no end tokens at all nothing is held back, so any token may stand in their place. */
    long[] integers() {
        int[] ends = endTokens.length == 0 ? new int[1] : endTokens;
        long[] integers = new long[4 + ends.length];
        integers[0] = greedy ? 1 : 0;
        integers[1] = topK;
        integers[2] = endTokens.length == 0 ? 0 : minNewTokens;
        integers[3] = randomKey;
        for (int i = 0; i < ends.length; i++) {
            integers[4 + i] = ends[i];
        }
        return integers;
    }
}
