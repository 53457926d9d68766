package dev.lockstep.generate;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.TokenLogprobs;

/**
 * What became of one {@link Request}.
 *
 * @param index        the request's index
 * @param sample       the request's sample
 * @param tokenIds     the generated tokens, the end token included when one was generated
 * @param text         what they say, without end token and without the stop string or anything after it
 * @param promptTokens the prompt's length in tokens
 * @param finishReason why the sequence ended
 * @param error        one sentence when it ended in {@link FinishReason#ERROR}, else null
 * @param logprobs     of each of {@code tokenIds}; null where none were asked for
 * @param embedding    of the prompt; null where something was generated or scored
 * @param promptLogprobs null where none were asked for
 */
public record Completion(int index, int sample, int[] tokenIds, String text, int promptTokens,
        FinishReason finishReason, @Nullable String error, @Nullable List<TokenLogprobs> logprobs,
        float @Nullable [] embedding, @Nullable PromptLogprobs promptLogprobs) {
    /**
     * How likely the model holds the tokens of the prompt itself.
     *
     * @param ids    of all of them
     * @param likely of each after the first
     */
    public record PromptLogprobs(int[] ids, List<TokenLogprobs> likely) {}

    /** One that was generated or scored. */
    public Completion(int index, int sample, int[] tokenIds, String text, int promptTokens, FinishReason finishReason,
            @Nullable String error, @Nullable List<TokenLogprobs> logprobs) {
        this(index, sample, tokenIds, text, promptTokens, finishReason, error, logprobs, null, null);
    }

    /** Of a request that came to nothing. */
    static Completion failed(Request request, String error) {
        return new Completion(request.index(), request.sample(), new int[0], "", request.promptIds().length,
                FinishReason.ERROR, error, null);
    }
}
