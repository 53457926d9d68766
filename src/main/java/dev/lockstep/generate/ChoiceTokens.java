package dev.lockstep.generate;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

import dev.lockstep.tokenizer.Tokenizer;

/**
 * The tokens with which a text goes on to be one of some choices, however these are cut into tokens. It keeps nothing of the
 * text, so that a sequence that begins again gets the same.
 */
final class ChoiceTokens {
    // a character for each byte
    private final List<String> choices;
    private final Tokenizer tokenizer;
    private final Set<Integer> ends;
    private final int vocabulary;
    private final int longest;

    /** @param ends those that end a text that is a choice; they are never a part of one */
    ChoiceTokens(List<String> choices, Tokenizer tokenizer, Set<Integer> ends, int vocabulary) {
        this.choices = choices.stream().map(text -> latin(text.getBytes(StandardCharsets.UTF_8))).distinct().toList();
        this.tokenizer = tokenizer;
        this.ends = ends;
        this.vocabulary = vocabulary;
        this.longest = this.choices.stream().mapToInt(String::length).max().orElse(0);
    }

    /**
     * @param tokens of prompt and text; those past {@code length} do not count
     * @return none of them twice; none at all where the text is no beginning of a choice
     */
    int[] next(int[] tokens, int prompt, int length) {
        StringBuilder bytes = new StringBuilder();
        for (int i = prompt; i < length && bytes.length() <= longest; i++) {
            bytes.append(latin(tokenizer.bytes(tokens[i])));
        }
        String text = bytes.toString();
        Set<Integer> next = new TreeSet<>();
        for (String choice : choices) {
            if (choice.equals(text)) {
                next.addAll(ends);
            } else if (choice.startsWith(text)) {
                for (int end = text.length() + 1; end <= choice.length(); end++) {
                    tokenizer.spelling(choice.substring(text.length(), end)).stream()
                            .filter(token -> token < vocabulary && !ends.contains(token)).forEach(next::add);
                }
            }
        }
        return next.stream().mapToInt(token -> token).toArray();
    }

    private static String latin(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
