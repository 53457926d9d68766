package dev.lockstep.generate;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.sampling.LogitEdits;
import dev.lockstep.grammar.TextAutomaton;

/**
 * What {@link TokenRules} say of the next token of a sequence, given the tokens it has: those of them that depend on more than
 * one logit, which the decoder does not know of.
 */
final class AppliedTokenRules {
    private final TokenRules rules;
    private final Set<Integer> ends;
    private final int vocabulary;
    private final int prompt;
    private final int limit;
    private final boolean some;
    // some depend on the tokens before, by more than where these lead to in a grammar
    private final boolean biased;
    private final int[] onlyTokens;
    private final @Nullable GuidedTokens guided;
    private final @Nullable ChoiceTokens choices;
    private final @Nullable TextAutomaton grammar;
    // where the text led to when it was so long, so that not all of it is looked at anew
    private int stateAt;
    private int state;

    /**
     * @param ends   the sequence's end tokens, which are never bad words
     * @param prompt tokens of the prompt
     * @param limit  at most so many new ones
     * @param guided null where the model has no tokenizer, and then there are neither choices nor a grammar
     * @throws dev.lockstep.grammar.GrammarException when the grammar is none
     */
    AppliedTokenRules(TokenRules rules, Collection<Integer> ends, int vocabulary, int prompt, int limit,
            @Nullable GuidedTokens guided) {
        this.rules = rules;
        this.ends = new HashSet<>(ends);
        this.vocabulary = vocabulary;
        this.prompt = prompt;
        this.limit = limit;
        this.guided = guided;
        this.choices = rules.choices() == null || guided == null ? null : guided.choices(rules.choices(), this.ends);
        this.grammar = choices != null || rules.grammar() == null || guided == null
                ? null
                : rules.grammar().automaton();
        this.onlyTokens = TokenRules.orEmpty(rules.onlyTokens()).stream().mapToInt(token -> token).distinct()
                .toArray();
        this.biased = size(rules.noRepeatNgram()) + size(rules.noRepeatPromptNgram()) > 0
                || List.of(TokenRules.orEmpty(rules.badWords()), TokenRules.orEmpty(rules.suppress()),
                        TokenRules.orEmpty(rules.beginSuppress()), TokenRules.orEmpty(rules.sequenceBias())).stream()
                        .anyMatch(list -> !list.isEmpty());
        this.some = choices != null || grammar != null || biased || rules.forcedFirst() != null
                || onlyTokens.length > 0 || !TokenRules.orEmpty(rules.forcedLast()).isEmpty();
    }

    private static int size(@Nullable Integer ngram) {
        return ngram == null ? 0 : ngram;
    }

    /** Whether there is anything to be said at all. */
    boolean isEmpty() {
        return !some;
    }

    /** @param tokens of prompt and text; those past {@code length} do not count */
    LogitEdits next(int[] tokens, int length) {
        if (rules.forcedFirst() != null && length == 1) {
            return LogitEdits.only(rules.forcedFirst());
        }
        List<Integer> last = TokenRules.orEmpty(rules.forcedLast());
        if (!last.isEmpty() && length == prompt + limit - 1) {
            // all of them would be alike, of which the lowest is taken
            return LogitEdits.only(Collections.min(last));
        }
        Map<Integer, Double> biases = biased ? biases(tokens, length) : new TreeMap<>();
        int[] left = onlyTokens;
        if (choices != null) {
            int[] chosen = choices.next(tokens, prompt, length);
            left = left.length == 0 ? chosen : intersection(left, chosen);
            if (left.length == 0) {
                // an empty list would leave all of them
                ban(0, biases);
                left = new int[]{0};
            }
        }
        return new LogitEdits(biases.keySet().stream().mapToInt(token -> token).toArray(),
                biases.values().stream().mapToDouble(bias -> bias).toArray(), left, mask(tokens, length));
    }

    /** What is added to the logits of tokens. */
    private Map<Integer, Double> biases(int[] tokens, int length) {
        Map<Integer, Double> biases = new TreeMap<>();
        for (TokenRules.SequenceBias biased : TokenRules.orEmpty(rules.sequenceBias())) {
            if (wouldEnd(biased.tokens(), tokens, length)) {
                biases.merge(biased.tokens().get(biased.tokens().size() - 1), biased.bias(), Double::sum);
            }
        }
        repeated(size(rules.noRepeatNgram()), tokens, length, length, biases);
        repeated(size(rules.noRepeatPromptNgram()), tokens, prompt, length, biases);
        for (List<Integer> word : TokenRules.orEmpty(rules.badWords())) {
            boolean end = word.size() == 1 && ends.contains(word.get(0));
            if (!end && wouldEnd(word, tokens, length)) {
                ban(word.get(word.size() - 1), biases);
            }
        }
        TokenRules.orEmpty(rules.suppress()).forEach(token -> ban(token, biases));
        // a first token that is forced is not the beginning
        if (length == (rules.forcedFirst() != null && prompt == 1 ? 2 : prompt)) {
            TokenRules.orEmpty(rules.beginSuppress()).forEach(token -> ban(token, biases));
        }
        return biases;
    }

    private long[] mask(int[] tokens, int length) {
        if (grammar == null || guided == null) {
            return LogitEdits.ALL;
        }
        if (stateAt < prompt || stateAt > length) {
            // a sequence that begins again has the same text anew
            stateAt = prompt;
            state = TextAutomaton.START;
        }
        while (stateAt < length && state != TextAutomaton.NOWHERE) {
            state = guided.state(grammar, state, tokens[stateAt++]);
        }
        return guided.mask(grammar, state, ends);
    }

    private static int[] intersection(int[] some, int[] others) {
        return Arrays.stream(some).filter(token -> Arrays.stream(others).anyMatch(other -> other == token)).toArray();
    }

    private void ban(int token, Map<Integer, Double> biases) {
        // transformers passes over tokens that the model does not have
        if (token >= 0 && token < vocabulary) {
            biases.put(token, Double.NEGATIVE_INFINITY);
        }
    }

    private static boolean wouldEnd(List<Integer> sequence, int[] tokens, int length) {
        int before = sequence.size() - 1;
        if (before > 0 && sequence.size() > length) {
            return false;
        }
        for (int i = 0; i < before; i++) {
            if (tokens[length - before + i] != sequence.get(i)) {
                return false;
            }
        }
        return true;
    }

    /** Bans what would make the last {@code size} tokens those that stand together somewhere before {@code end}. */
    private void repeated(int size, int[] tokens, int end, int length, Map<Integer, Double> biases) {
        int before = size - 1;
        if (size == 0 || length < size) {
            return;
        }
        for (int start = 0; start + before < end; start++) {
            if (Arrays.equals(tokens, start, start + before, tokens, length - before, length)) {
                ban(tokens[start + before], biases);
            }
        }
    }
}
