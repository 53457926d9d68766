package dev.lockstep.decoder;

import java.util.Arrays;

/**
 * How likely the model held the tokens where one was chosen: natural logarithms of the softmax of its logits in float32,
 * before penalties, temperature and filters.
 *
 * @param chosen  of the token that was chosen
 * @param bestIds the likeliest tokens, the likeliest first
 * @param best    theirs
 */
public record TokenLogprobs(float chosen, int[] bestIds, float[] best) {
    /** With at most so many of the likeliest tokens. */
    public TokenLogprobs withBest(int most) {
        return most >= best.length
                ? this
                : new TokenLogprobs(chosen, Arrays.copyOf(bestIds, most), Arrays.copyOf(best, most));
    }

    /** Of rows as the program has them: the chosen token's, those of the likeliest, and these tokens. */
    static TokenLogprobs[] of(float[][] ranked) {
        return Arrays.stream(ranked).map(row -> {
            int best = row.length / 2;
            int[] ids = new int[best];
            for (int i = 0; i < best; i++) {
                ids[i] = (int) row[1 + best + i];
            }
            return new TokenLogprobs(row[0], ids, Arrays.copyOfRange(row, 1, 1 + best));
        }).toArray(TokenLogprobs[]::new);
    }
}
