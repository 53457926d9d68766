package dev.lockstep.decoder.sampling;

/**
 * What the next choice does to one row's logits before all else: a bias is added to some tokens', then all but some
 * tokens are ruled out.
 *
 * @param tokens within the vocabulary, none of them twice
 * @param biases one for each of these; -infinity rules the token out
 * @param only   the tokens that are left, none of them twice; empty where all are
 * @param mask   a bit for each token, from the lowest of the first on, which is set where the token is left too; {@link #ALL}
 *               where all are
 */
public record LogitEdits(int[] tokens, double[] biases, int[] only, long[] mask) {
    /** No mask. */
    public static final long[] ALL = new long[0];
    /** Of a row without edits. */
    public static final LogitEdits NONE = new LogitEdits(new int[0], new double[0], new int[0], ALL);

    /** Of a row whose token is this one whatever the model holds. */
    public static LogitEdits only(int token) {
        return new LogitEdits(new int[0], new double[0], new int[]{token}, ALL);
    }

    /** Whether nothing is done. */
    public boolean isNone() {
        return tokens.length == 0 && only.length == 0 && mask.length == 0;
    }
}
