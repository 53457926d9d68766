package dev.lockstep.decoder.sampling;

/**
 * What some of the rows of a step need of sampling; whatever none of them needs is left out.
 *
 * @param sampled   draws
 * @param filtered  a top-k or a top-p
 * @param penalized penalties
 * @param ends      end tokens held back or favoured
 * @param logprobs  log-probabilities
 * @param refined   one of the filters of {@link SamplingRefinements}
 */
public record SamplingKind(boolean sampled, boolean filtered, boolean penalized, boolean ends, boolean logprobs,
        boolean refined) {
    /** Of steps of these rows. */
    public static SamplingKind of(RowSampling... rows) {
        boolean[] needs = new boolean[6];
        for (RowSampling row : rows) {
            needs[0] |= !row.greedy();
            needs[1] |= !row.greedy() && (row.topK() > 0 || row.topP() < 1);
            needs[2] |= row.penalized();
            needs[3] |= row.endTokens().length > 0 && (row.minNewTokens() > 0 || row.refinements().decayFactor() != 1);
            needs[4] |= row.logprobs();
            needs[5] |= !row.greedy() && row.refinements().filters();
        }
        return new SamplingKind(needs[0], needs[1], needs[2], needs[3], needs[4], needs[5]);
    }

    /** A number of its own for each kind, from 0. */
    public int number() {
        int number = 0;
        for (boolean flag : new boolean[]{sampled, filtered, penalized, ends, logprobs, refined}) {
            number = 2 * number + (flag ? 1 : 0);
        }
        return number;
    }
}
