package dev.lockstep.results;

import java.util.List;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Completion.PromptLogprobs;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.prompts.OpenAiRequest;
import dev.lockstep.prompts.OpenAiRequest.Endpoint;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.tokenizer.Tokenizer;

/**
 * One line of the results; its JSON is a contract with users' scripts.
 *
 * @param index            the prompt's place in the input, from 0
 * @param id               the prompt's name
 * @param sample           which sample of that prompt, from 0
 * @param prompt           the prompt's text; empty where the row was broken
 * @param text             the generated text without the end token; empty where it failed
 * @param tokenIds         the generated tokens, the end token included
 * @param promptLogprobs   of each of the prompt's tokens number, text and log-probability; null and left out where none are
 *                         wanted
 * @param logprobs         the log-probability of each token; in journals, of a request of OpenAI's batch form what its
 *                         answer has under this name; null and left out where none are wanted
 * @param topLogprobs      for each token the likeliest ones, with text and log-probability; null and left out likewise
 * @param score            of a text that was scored, else null and left out
 * @param embedding        of the prompt, where that was wanted and not a text; else null and left out
 * @param promptTokens     the prompt's length in tokens
 * @param completionTokens how many tokens were generated
 * @param finishReason     why the row ended
 * @param rank             who generated it
 * @param error            one sentence where it failed, else null and left out
 * @param openAi           in journals, how to answer a row that was a request of OpenAI's batch form; else null and left out
 */
@JsonNaming(SnakeCaseStrategy.class)
@JsonPropertyOrder({"index", "id", "sample", "prompt", "text", "token_ids", "score", "embedding", "prompt_logprobs",
        "logprobs",
        "top_logprobs",
        "prompt_tokens",
        "completion_tokens", "finish_reason", "rank", "error", "open_ai"})
public record Result(int index, String id, int sample, String prompt, String text, int[] tokenIds,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("score") @Nullable Score score,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("embedding") float @Nullable [] embedding,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("prompt_logprobs") @Nullable JsonNode promptLogprobs,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("logprobs") @Nullable JsonNode logprobs,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("top_logprobs") @Nullable JsonNode topLogprobs,
        int promptTokens,
        int completionTokens, FinishReason finishReason, int rank,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("error") @Nullable String error,
        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("open_ai") @Nullable OpenAiRequest openAi) {

    /**
     * How likely the model holds a text after a prompt.
     *
     * @param logprob the natural logarithm of its probability: the sum of its tokens'
     * @param greedy  whether each of them is the likeliest one in its place
     */
    public record Score(double logprob, boolean greedy) {
        static Score of(int[] ids, List<TokenLogprobs> likely) {
            double sum = 0;
            boolean greedy = true;
            for (int i = 0; i < ids.length; i++) {
                sum += likely.get(i).chosen();
                greedy &= likely.get(i).bestIds()[0] == ids[i];
            }
            return new Score(sum, greedy);
        }
    }

    /**
     * @throws IllegalArgumentException when there is an error without {@link FinishReason#ERROR} or the other way round
     */
    public Result {
        if ((error != null) != (finishReason == FinishReason.ERROR)) {
            throw new IllegalArgumentException(
                    "row " + index + " finished with " + finishReason + " and the error " + error);
        }
    }

    /** A result of our own form, without log-probabilities. */
    public Result(int index, String id, int sample, String prompt, String text, int[] tokenIds, int promptTokens,
            int completionTokens, FinishReason finishReason, int rank, @Nullable String error) {
        this(index, id, sample, prompt, text, tokenIds, null, null, null, null, null, promptTokens, completionTokens,
                finishReason,
                rank,
                error, null);
    }

    /**
     * What a rank made of a good prompt, which may still have failed there.
     *
     * @param tokenizer says what tokens stand for
     */
    public static Result of(Prompt prompt, Completion completion, int rank, Tokenizer tokenizer) {
        String error = completion.error();
        if (error != null) {
            return failed(prompt, completion.sample(), completion.promptTokens(), rank, error);
        }
        JsonNode logprobs = null;
        JsonNode top = null;
        List<TokenLogprobs> likely = completion.logprobs();
        if (likely != null) {
            PromptLogprobs before = completion.promptLogprobs();
            var json = prompt.openAi() != null && prompt.openAi().echo() && before != null
                    ? LogprobsJson.echoed(before, completion.tokenIds(), likely, tokenizer)
                    : new LogprobsJson(completion.tokenIds(), likely, tokenizer);
            if (prompt.openAi() == null) {
                logprobs = json.chosen();
                top = json.top();
            } else {
                logprobs = prompt.openAi().endpoint() == Endpoint.CHAT ? json.chat() : json.completions();
            }
        }
        List<String> scored = prompt.scored();
        return new Result(prompt.index(), prompt.id(), completion.sample(), prompt.textOrEmpty(),
                scored == null ? completion.text() : scored.get(completion.sample()), completion.tokenIds(),
                scored == null || likely == null ? null : Score.of(completion.tokenIds(), likely),
                completion.embedding(), completion.promptLogprobs() == null || prompt.openAi() != null
                        ? null
                        : LogprobsJson.prompt(completion.promptLogprobs(), tokenizer),
                logprobs, top,
                completion.promptTokens(), completion.tokenIds().length,
                completion.finishReason(), rank, null, prompt.openAi());
    }

    /**
     * A row that never came to generation: broken in the file, or refused afterwards for the reason given.
     *
     * @param error one sentence
     */
    public static Result failed(Prompt prompt, int sample, int promptTokens, int rank, String error) {
        return new Result(prompt.index(), prompt.id(), sample, prompt.textOrEmpty(), "",
                new int[0], null, null, null, null, null, promptTokens, 0, FinishReason.ERROR, rank, error,
                prompt.openAi());
    }
}
