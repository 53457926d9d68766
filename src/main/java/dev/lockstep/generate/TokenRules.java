package dev.lockstep.generate;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

import dev.lockstep.grammar.Grammar;

/**
 * What few sequences ask for, by the names of transformers' {@code GenerationConfig}; a null component says nothing, so two
 * places that say something can be {@linkplain #or joined}.
 *
 * @param typicalP                keep the tokens whose information is nearest to the entropy, until they reach this
 *                                probability; 1 keeps all
 * @param epsilonCutoff           drop tokens less likely than this; 0 drops none
 * @param etaCutoff               the same, with a limit that is lower where the entropy is high; 0 drops none
 * @param promptRepetitionPenalty encoder_repetition_penalty: above 1 it makes the prompt's tokens likelier; 1 is none
 * @param minLength               no end token before prompt and text have so many tokens
 * @param maxLength               the sequence ends when prompt and text have so many tokens
 * @param lengthDecay             exponential_decay_length_penalty: end tokens gain with the length of the text
 * @param noRepeatNgram           no so many tokens in a row come up twice in prompt and text; 0 for none
 * @param noRepeatPromptNgram     encoder_no_repeat_ngram_size: no so many in a row of the prompt come up in the text; 0 for
 *                                none
 * @param badWords                sequences of tokens that never come up
 * @param suppress                tokens that never come up
 * @param beginSuppress           tokens that are not the first of the text
 * @param sequenceBias            what is added to the logits of tokens that would end these sequences
 * @param onlyTokens              allowed_token_ids: no other token comes up
 * @param forcedFirst             forced_bos_token_id: the first token of the text of a prompt of one token
 * @param forcedLast              forced_eos_token_id: the last token, where the sequence reaches its greatest length; the
 *                                lowest of them
 * @param choices                 guided_choice: the text is one of these
 * @param grammar                 guided_regex, guided_json or response_format: the text is like this; not beside {@code choices}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TokenRules(@Nullable Double typicalP, @Nullable Double epsilonCutoff, @Nullable Double etaCutoff,
        @Nullable Double promptRepetitionPenalty,
        @Nullable Integer minLength, @Nullable Integer maxLength, @Nullable LengthDecay lengthDecay,
        @Nullable Integer noRepeatNgram,
        @Nullable Integer noRepeatPromptNgram, @Nullable List<List<Integer>> badWords, @Nullable List<Integer> suppress,
        @Nullable List<Integer> beginSuppress,
        @Nullable List<SequenceBias> sequenceBias, @Nullable List<Integer> onlyTokens, @Nullable Integer forcedFirst,
        @Nullable List<Integer> forcedLast, @Nullable List<String> choices, @Nullable Grammar grammar) {
    /** Says nothing. */
    public static final TokenRules NONE = new TokenRules(null, null, null, null, null, null, null, null, null, null,
            null, null, null, null, null, null, null, null);

    /** Says what texts are like, and nothing else. */
    public static TokenRules of(Grammar grammar) {
        return new TokenRules(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
                null, null, grammar);
    }

    /**
     * From the {@code start}-th new token on an end token's logit x becomes x + |x| (factor ^ n - 1) at the n-th token
     * after it.
     */
    public record LengthDecay(int start, double factor) {}

    /** The bias is added to the logit of the last token where the others are the last ones of prompt and text. */
    public record SequenceBias(List<Integer> tokens, double bias) {}

    /** What this says, and where it says nothing, what another place says. */
    public TokenRules or(TokenRules other) {
        return new TokenRules(first(other, TokenRules::typicalP), first(other, TokenRules::epsilonCutoff),
                first(other, TokenRules::etaCutoff), first(other, TokenRules::promptRepetitionPenalty),
                first(other, TokenRules::minLength), first(other, TokenRules::maxLength),
                first(other, TokenRules::lengthDecay), first(other, TokenRules::noRepeatNgram),
                first(other, TokenRules::noRepeatPromptNgram), first(other, TokenRules::badWords),
                first(other, TokenRules::suppress), first(other, TokenRules::beginSuppress),
                first(other, TokenRules::sequenceBias), first(other, TokenRules::onlyTokens),
                first(other, TokenRules::forcedFirst), first(other, TokenRules::forcedLast),
                first(other, TokenRules::choices), first(other, TokenRules::grammar));
    }

    private <T> T first(TokenRules other, Function<TokenRules, T> component) {
        T mine = component.apply(this);
        return mine == null ? component.apply(other) : mine;
    }

    /** The same with other limits of prompt and text together. */
    public TokenRules withLengths(@Nullable Integer min, @Nullable Integer max) {
        return new TokenRules(typicalP, epsilonCutoff, etaCutoff, promptRepetitionPenalty, min, max, lengthDecay,
                noRepeatNgram, noRepeatPromptNgram, badWords, suppress, beginSuppress, sequenceBias, onlyTokens,
                forcedFirst, forcedLast, choices, grammar);
    }

    /** Whether it says something about what is drawn, which a greedy sequence has no use for. */
    public boolean asksForSampling() {
        return typicalP != null || epsilonCutoff != null || etaCutoff != null;
    }

    /** The field that says what the whole text is like, or null. */
    @Nullable
    String guide() {
        if (choices != null) {
            return "guided_choice";
        }
        return grammar == null ? null : grammar.kind() == Grammar.Kind.REGEX ? "guided_regex" : "guided_json";
    }

    /** A token that is not below this, of those that must be, or -1. */
    int beyond(int vocabulary) {
        Stream<Integer> sequences = Stream.concat(orEmpty(badWords).stream(),
                orEmpty(sequenceBias).stream().map(SequenceBias::tokens)).flatMap(List::stream);
        Stream<Integer> forced = Stream.concat(Stream.ofNullable(forcedFirst), orEmpty(forcedLast).stream());
        return Stream.of(sequences, forced, orEmpty(onlyTokens).stream()).flatMap(tokens -> tokens)
                .filter(Objects::nonNull).filter(token -> token >= vocabulary).findFirst().orElse(-1);
    }

    static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
