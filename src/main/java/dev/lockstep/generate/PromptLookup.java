package dev.lockstep.generate;

import java.util.Arrays;

/**
 * What probably comes next in a text that says again what it, or its prompt, has said: the tokens that came after its last ones
 * where these stood before (Saxena 2023, prompt lookup decoding).
 */
final class PromptLookup {
    /** So many tokens have to be found again at least, and more make no difference. */
    private static final int LEAST = 2;
    private static final int MOST = 5;

    private PromptLookup() {}

    /**
     * What came after the longest end of the tokens that they have had before, of several the last.
     *
     * @param length of the tokens that there are
     * @param most   tokens of what is wanted
     * @return none where even a short end is new
     */
    static int[] next(int[] tokens, int length, int most) {
        int best = 0;
        int from = 0;
        for (int end = length - 1; end >= LEAST && best < MOST; end--) {
            int same = 0;
            while (same < Math.min(MOST, end) && tokens[end - 1 - same] == tokens[length - 1 - same]) {
                same++;
            }
            if (same >= LEAST && same > best) {
                best = same;
                from = end;
            }
        }
        if (best == 0) {
            return new int[0];
        }
        // a text that repeats itself goes on to do so
        int[] next = Arrays.copyOfRange(tokens, from, from + most);
        for (int i = length - from; i < most; i++) {
            next[i] = next[i - (length - from)];
        }
        return next;
    }
}
