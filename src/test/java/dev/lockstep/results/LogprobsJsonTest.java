package dev.lockstep.results;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.OpenAiRequest;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.tokenizer.Tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

/** The forms that log-probabilities take in results. */
class LogprobsJsonTest {
    @AutoClose
    private static final Tokenizer tokenizer = Tokenizer.load(Golden.FOLDER);

    /** Two bytes of one character, and a word; the third token is not the likeliest in its place. */
    private static Completion completion(int best) {
        int[] ids = tokenizer.encode("é the", false);
        int the = ids[ids.length - 1];
        assertThat(ids).hasSize(3);
        return new Completion(0, 0, ids, "é the", 4, FinishReason.EOS, null,
                List.of(new TokenLogprobs(-0.5f, new int[]{ids[0], the}, new float[]{-0.5f, -2}).withBest(best),
                        new TokenLogprobs(-0.25f, new int[]{ids[1], the}, new float[]{-0.25f, -3}).withBest(best),
                        new TokenLogprobs(-6.196219f, new int[]{ids[0], ids[1]}, new float[]{-1, -1.5f})
                                .withBest(best)));
    }

    private static Result result(OpenAiRequest openAi, Completion completion) {
        Prompt prompt = Prompt.ofText(0, "a", "p", SamplingOverrides.NONE, null, openAi);
        return Result.of(prompt, completion, 0, tokenizer);
    }

    private static JsonNode inAnswer(OpenAiRequest request, Completion completion) {
        JsonNode answer = OpenAiAnswer.of(request, List.of(result(request, completion)));
        return Runs.json(answer.at("/response/body/choices/0/logprobs").toString());
    }

    @Test
    void ownForm_hasANumberForEachTokenAndTheLikeliestWithTheirText() {
        int[] ids = completion(2).tokenIds();
        JsonNode row = Runs.json(Json.MAPPER.valueToTree(result(null, completion(2))).toString());
        assertThat(row.get("logprobs")).isEqualTo(Runs.json("[-0.5, -0.25, -6.196219]"));
        assertThat(row.get("top_logprobs").get(2)).isEqualTo(Runs.json("[{\"id\": " + ids[0]
                + ", \"token\": \"\ufffd\", \"logprob\": -1.0}, {\"id\": " + ids[1]
                + ", \"token\": \"\ufffd\", \"logprob\": -1.5}]"));
        assertThat(row.fieldNames()).toIterable().containsSubsequence("token_ids", "logprobs", "top_logprobs",
                "prompt_tokens");
    }

    @Test
    void ownForm_withoutTheLikeliest_hasNoEmptyLists() {
        JsonNode row = Json.MAPPER.valueToTree(result(null, completion(0)));
        assertThat(row.get("logprobs")).hasSize(3);
        assertThat(row.has("top_logprobs")).isFalse();
        assertThat(Json.MAPPER.<JsonNode>valueToTree(result(null, new Completion(0, 0, new int[]{5}, "x", 4,
                FinishReason.EOS, null, null))).has("logprobs")).isFalse();
    }

    @Test
    void chat_isOpenAisContent() {
        assertThat(inAnswer(OpenAiRequest.toChat("m"), completion(1))).isEqualTo(Runs.json("""
                {"content": [
                  {"token": "\ufffd", "logprob": -0.5, "bytes": [195],
                   "top_logprobs": [{"token": "\ufffd", "logprob": -0.5, "bytes": [195]}]},
                  {"token": "\ufffd", "logprob": -0.25, "bytes": [169],
                   "top_logprobs": [{"token": "\ufffd", "logprob": -0.25, "bytes": [169]}]},
                  {"token": " the", "logprob": -6.196219, "bytes": [32, 116, 104, 101],
                   "top_logprobs": [{"token": "\ufffd", "logprob": -1.0, "bytes": [195]}]}],
                 "refusal": null}"""));
    }

    @Test
    void completions_isOpenAisLists() {
        assertThat(inAnswer(OpenAiRequest.toCompletions("m"), completion(2))).isEqualTo(Runs.json("""
                {"tokens": ["\ufffd", "\ufffd", " the"], "token_logprobs": [-0.5, -0.25, -6.196219],
                 "top_logprobs": [{"\ufffd": -0.5, " the": -2.0}, {"\ufffd": -0.25, " the": -3.0},
                   {"\ufffd": -1.0, " the": -6.196219}],
                 "text_offset": [0, 1, 1]}"""));
    }
}
