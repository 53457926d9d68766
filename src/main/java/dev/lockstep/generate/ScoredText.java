package dev.lockstep.generate;

import java.util.Arrays;

import dev.lockstep.tokenizer.Tokenizer;

/**
 * A prompt and a text that may follow it, as tokens. They are those of EleutherAI's lm-evaluation-harness: white space at the
 * prompt's end goes to the text, since tokens mostly begin with it; prompt and text are cut into tokens together, and those
 * after as many as the prompt alone has are the text's.
 */
public record ScoredText(int[] promptIds, int[] textIds) {
    /** {@link #of(Tokenizer, String, int[], String, boolean, int)}, for one text. */
    public static ScoredText of(Tokenizer tokenizer, String prompt, String text, boolean special, int first) {
        return of(tokenizer, prompt, tokenizer.encode(context(prompt), special), text, special, first);
    }

    /** The part of a prompt whose tokens come before the text's. */
    public static String context(String prompt) {
        return prompt.stripTrailing();
    }

    /**
     * @param promptIds tokens of the prompt's {@link #context}, the tokenizer's special ones among them if it adds those
     * @param special whether the tokenizer adds its special tokens at the beginning
     * @param first   what an empty prompt is, where the tokenizer adds nothing; -1 for nothing
     * @throws IllegalArgumentException when the text has no tokens, or nothing comes before it
     */
    public static ScoredText of(Tokenizer tokenizer, String prompt, int[] promptIds, String text, boolean special,
            int first) {
        int[] whole = tokenizer.encode(prompt + text, special);
        int[] textIds = Arrays.copyOfRange(whole, Math.min(promptIds.length, whole.length), whole.length);
        if (text.isEmpty()) {
            throw new IllegalArgumentException("a text to be scored is empty");
        }
        if (textIds.length == 0) {
            throw new IllegalArgumentException("the text to be scored, " + text
                    + ", has no tokens of its own: it is cut into tokens together with the prompt's end");
        }
        if (promptIds.length == 0 && first < 0) {
            throw new IllegalArgumentException(
                    "the prompt is empty, and the model has no token that begins or ends a text,"
                            + " which would come before the text to be scored");
        }
        return new ScoredText(promptIds.length == 0 ? new int[]{first} : promptIds, textIds);
    }
}
