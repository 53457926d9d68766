package dev.lockstep.prompts;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Runs;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.results.OpenAiAnswer;
import dev.lockstep.results.Result;
import dev.lockstep.results.ResultFile;

import static org.assertj.core.api.Assertions.assertThat;

/** Lines of OpenAI's batch form, in and out. */
class OpenAiTest {
    private static final String CHAT = """
            {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "n": 2,
             "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 5, "temperature": 0, "stop": ["."],
             "response_format": {"type": "text"}, "logit_bias": {}, "stream": false, "user": "u"}}""";

    @Test
    void row_chatRequest_isAConversationWithItsSettings() {
        Prompt prompt = row(CHAT);
        assertThat(prompt.error()).isNull();
        assertThat(prompt.id()).isEqualTo("a");
        assertThat(prompt.text()).isNull();
        assertThat(prompt.chat()).isEqualTo(Runs.json(
                "{\"add_generation_prompt\": true, \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}"));
        assertThat(prompt.samplesOr(1)).isEqualTo(2);
        assertThat(prompt.overrides()).isEqualTo(SamplingFields
                .ofRow(Runs.json("{\"temperature\": 0, \"max_new_tokens\": 5, \"stop\": [\".\"]}")));
        assertThat(prompt.openAi()).isEqualTo(OpenAiRequest.toChat("m"));
    }

    @Test
    void row_completionRequest_isAPrompt() {
        Prompt prompt = row(request("/v1/completions", "{\"prompt\": \"Once\", \"max_tokens\": 3, \"seed\": 4}"));
        assertThat(prompt.text()).isEqualTo("Once");
        assertThat(prompt.overrides().maxNewTokens()).isEqualTo(3);
        assertThat(prompt.overrides().seed()).isEqualTo(4);
        assertThat(prompt.samplesOr(7)).isEqualTo(7);
        assertThat(prompt.openAi()).isEqualTo(OpenAiRequest.toCompletions(""));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"custom_id": "a", "url": "/v1/completions"} | body is missing
            {"custom_id": "a", "body": {}} | url is missing
            {"custom_id": "a", "url": "/v1/images", "body": {}} | url must be /v1/chat/completions, /v1/completions or /v1/embeddings, not "/v1/images"
            {"custom_id": "a", "url": "/v1/embeddings", "body": {}} | input is missing
            {"custom_id": "a", "url": "/v1/embeddings", "body": {"input": []}} | input must have from 1 to 10000 texts, not 0
            {"custom_id": "a", "url": "/v1/embeddings", "body": {"input": [5, 6]}} | input must be a text, or an array of texts, not [5,6]
            {"custom_id": "a", "url": "/v1/embeddings", "body": {"input": "a", "dimensions": 0}} | dimensions must be 1 or more, not 0
            {"custom_id": "a", "url": "/v1/embeddings", "body": {"input": "a", "encoding_format": "base64"}} | encoding_format must be "float", not "base64"
            {"custom_id": "a", "method": "GET", "url": "/v1/completions", "body": {}} | method must be "POST", not "GET"
            {"custom_id": "a", "url": "/v1/completions", "body": []} | body must be an object, not []
            {"custom_id": "a", "url": "/v1/completions", "body": {"model": 5}} | model must be a string, not 5
            {"custom_id": "a", "url": "/v1/completions", "body": {"messages": []}} | prompt is missing
            {"custom_id": "a", "url": "/v1/chat/completions", "body": {"prompt": "p"}} | messages is missing
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": ["p", "q"]}} | prompt must be a string, not ["p","q"]
            {"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "p"}], "echo": true}} | echo is not supported by this version
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "echo": 1}} | echo must be true or false, not 1
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "prompt_logprobs": 1}} | prompt_logprobs in an OpenAI request is not supported by this version: give echo with logprobs
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "best_of": 2}} | best_of other than n is not supported by this version
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "response_format": {"type": "grammar"}}} | response_format must be an object whose type is \"text\", \"json_object\" or \"json_schema\", not {"type":"grammar"}
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "n": 0}} | n must be from 1 to 10000, not 0
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "best_off": 2}} | best_off in an OpenAI request is not known to this version
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "add_special_tokens": false}} | add_special_tokens is not supported by this version for a row alone: --no-special-tokens leaves them out of all
            {"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "p"}], "add_special_tokens": true}} | add_special_tokens is not supported for conversations, whose template puts them in
            {"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "p", "tools": []}} | tools is for conversations, and this row has no messages
            """)
    void row_requestThatCannotBe_isBrokenAndAnsweredInItsForm(String row, String error) {
        Prompt prompt = row(row);
        assertThat(prompt.error()).isEqualTo("line 3: " + error);
        assertThat(prompt.id()).isEqualTo("a");
        assertThat(prompt.openAi()).isNotNull();
    }

    @Test
    void answer_chat_hasAChoiceForEachSample() {
        JsonNode line = OpenAiAnswer.of(OpenAiRequest.toChat("m"), List.of(
                new Result(4, "a", 0, "p", "one", new int[]{1, 2}, 7, 2, FinishReason.EOS, 0, null),
                new Result(4, "a", 1, "p", "two", new int[]{1, 2, 3}, 7, 3, FinishReason.LENGTH, 0, null)));
        String key = line.get("id").asText().replace("batch_req_", "");
        assertThat(key).matches("[0-9a-f]{32}");
        assertThat(line).isEqualTo(Runs.json("""
                {"id": "batch_req_KEY", "custom_id": "a", "response": {"status_code": 200, "request_id": "req_KEY",
                  "body": {"id": "chatcmpl-KEY", "object": "chat.completion", "created": 0, "model": "m", "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "one", "refusal": null},
                     "logprobs": null, "finish_reason": "stop"},
                    {"index": 1, "message": {"role": "assistant", "content": "two", "refusal": null},
                     "logprobs": null, "finish_reason": "length"}],
                  "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}},
                 "error": null}""".replace("KEY", key)));
    }

    @Test
    void answer_completion_hasItsText() {
        JsonNode body = OpenAiAnswer.of(OpenAiRequest.toCompletions(""),
                List.of(new Result(0, "a", 0, "p", "one", new int[]{1}, 7, 1, FinishReason.STOP, 0, null)))
                .at("/response/body");
        assertThat(body.get("object").asText()).isEqualTo("text_completion");
        assertThat(body.get("choices")).isEqualTo(Runs.json(
                "[{\"index\": 0, \"text\": \"one\", \"logprobs\": null, \"finish_reason\": \"stop\"}]"));
    }

    @Test
    void answer_embeddings_hasOneForEachText() {
        Prompt prompt = row(request("/v1/embeddings", "{\"model\": \"m\", \"input\": [\"p\", \"q\"]}"));
        assertThat(prompt.error()).isNull();
        assertThat(prompt.scored()).containsExactly("p", "q");
        assertThat(prompt.samplesOr(1)).isEqualTo(2);
        JsonNode line = OpenAiAnswer.of(prompt.openAi(), List.of(vector(prompt, 0, 0.5f), vector(prompt, 1, -0.1f)));
        assertThat(Runs.json(line.at("/response/body").toString())).isEqualTo(Runs.json("""
                {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]},
                  {"object": "embedding", "index": 1, "embedding": [-0.1, 1.0]}],
                 "model": "m", "usage": {"prompt_tokens": 14, "total_tokens": 14}}"""));
        assertThat(new ScoredRows(false).apply(prompt).error()).contains("is for the job embed");
        assertThat(new EmbeddedRows().apply(row(request("/v1/completions", "{\"prompt\": \"p\"}"))).error())
                .isEqualTo("embed answers requests to /v1/embeddings, not to /v1/completions");
    }

    private static Result vector(Prompt prompt, int sample, float first) {
        return new Result(0, "a", sample, "p", "", new int[0], null, new float[]{first, 1}, null, null, null, 7, 0,
                FinishReason.LENGTH, 0, null, prompt.openAi());
    }

    @Test
    void answer_failedRow_isOpenAisError() {
        Prompt prompt = row(request("/v1/completions", "{}"));
        JsonNode line = OpenAiAnswer.of(prompt.openAi(), List.of(Result.failed(prompt, 0, 0, 1, prompt.error())));
        assertThat(line.at("/response/status_code").asInt()).isEqualTo(400);
        assertThat(line.at("/response/body")).isEqualTo(Runs.json("{\"error\": {\"message\": "
                + "\"line 3: prompt is missing\", \"type\": \"invalid_request_error\", \"param\": null, \"code\": null}}"));
        assertThat(line.get("error").isNull()).isTrue();
    }

    @Test
    void resultFile_mixedRows_answersEachInItsOwnForm(@TempDir Path dir) throws Exception {
        OpenAiRequest request = OpenAiRequest.toCompletions("m");
        List<Result> results = List.of(
                new Result(0, "a", 0, "p", "x", new int[]{1}, 7, 1, FinishReason.EOS, 0, null),
                new Result(1, "b", 0, "p", "z", new int[]{1}, null, null, null, null, null, 7, 1, FinishReason.EOS, 0,
                        null,
                        request),
                new Result(1, "b", 1, "p", "y", new int[]{1}, null, null, null, null, null, 7, 1, FinishReason.EOS, 0,
                        null,
                        request),
                new Result(2, "c", 0, "p", "w", new int[]{1}, 7, 1, FinishReason.EOS, 0, null));
        Path file = dir.resolve("r.jsonl");
        ResultFile.write(results.iterator(), results.size(), file.toString(), null);
        List<JsonNode> lines = Runs.rows(file);
        assertThat(lines).hasSize(3);
        assertThat(lines.get(0).get("text").asText()).isEqualTo("x");
        assertThat(lines.get(1).at("/response/body/choices/0/text").asText()).isEqualTo("z");
        assertThat(lines.get(1).at("/response/body/choices/1/text").asText()).isEqualTo("y");
        assertThat(lines.get(2).get("id").asText()).isEqualTo("c");
    }

    @Test
    void chatRows_templateOrNone_makeAPromptOrSayWhatIsMissing(@TempDir Path model) throws Exception {
        Prompt chat = row(CHAT);
        Prompt text = row("{\"prompt\": \"p\"}");
        assertThat(new ChatPrompts(model).apply(chat).error()).isEqualTo(
                "messages need a chat template, and this checkpoint has none, so give the text as \"prompt\"");

        Files.writeString(model.resolve("chat_template.jinja"),
                "{% if messages|length > 1 %}{{ raise_exception('One at a time!') }}{% endif %}"
                        + "<{{ messages[0].content }}>{{ add_generation_prompt }}");
        Prompt rendered = new ChatPrompts(model).apply(chat);
        assertThat(rendered.text()).isEqualTo("<Hi>True");
        assertThat(rendered.rendered()).isTrue();
        assertThat(rendered.openAi()).isEqualTo(chat.openAi());
        assertThat(new ChatPrompts(model).apply(text)).isEqualTo(text);

        var refused = Stream.of(row("{\"messages\": [{\"role\": \"user\"}, {\"role\": \"user\"}]}"),
                row("{\"messages\": [{\"role\": \"user\", \"content\": \"\\udc00\"}]}"))
                .map(new ChatPrompts(model)).toList();
        assertThat(refused.get(0).error()).isEqualTo("the chat template says: One at a time!");
        assertThat(refused.get(1).error()).contains("half of a surrogate pair");
    }

    private static String request(String url, String body) {
        return "{\"custom_id\": \"a\", \"url\": \"" + url + "\", \"body\": " + body + "}";
    }

    private static Prompt row(String json) {
        return PromptParser.of(2, "line 3", Runs.json(json), new MistypedFields());
    }
}
