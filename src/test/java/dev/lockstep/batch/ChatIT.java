package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Runs.field;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Conversations and OpenAI's batch lines through the whole job. */
class ChatIT {
    @TempDir
    private Path temp;

    @Test
    void mixedFile_answersEachRowInItsForm_andChatTokensAreThoseOfTheRenderedText() throws IOException {
        Path model = Files.createDirectory(temp.resolve("model"));
        try (Stream<Path> files = Files.list(Runs.KJV)) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName()));
            }
        }
        Files.writeString(model.resolve("chat_template.jinja"),
                "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}");
        Files.write(temp.resolve("p.jsonl"), List.of(
                "{\"prompt\": \"In the beginning\", \"max_tokens\": 8, \"logprobs\": 2}",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"In the beginning\"}], \"max_tokens\": 8}",
                request("chat", "/v1/chat/completions",
                        "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"In the beginning\"}], "
                                + "\"max_tokens\": 8, \"temperature\": 0, \"logprobs\": true, \"top_logprobs\": 1}"),
                request("bad", "/v1/completions", "{\"model\": \"m\"}"),
                request("many", "/v1/completions", "{\"model\": \"m\", \"prompt\": \"In\", \"n\": 2}")));

        Launched.Result result = Runs
                .generate(2, temp, "--model", "model", "--prompts", "p.jsonl", "--greedy").run();
        assertThat(result.exitCode()).as(result.stderr()).isEqualTo(3);
        List<JsonNode> lines = Runs.rows(temp.resolve("results.jsonl"));
        assertThat(lines).hasSize(5);
        JsonNode own = lines.get(0);
        JsonNode chat = lines.get(1);
        assertThat(chat.get("token_ids")).isEqualTo(own.get("token_ids"));
        assertThat(chat.get("prompt_tokens")).isEqualTo(own.get("prompt_tokens"));
        assertThat(chat.get("prompt").asText()).endsWith("In the beginning").isNotEqualTo(own.get("prompt").asText());
        checkLogprobs(own, lines.get(2).at("/response/body/choices/0/logprobs/content"));
        assertThat(chat.has("logprobs")).isFalse();
        JsonNode body = lines.get(2).at("/response/body");
        assertThat(body.at("/choices/0/message/content")).isEqualTo(own.get("text"));
        assertThat(body.at("/usage/completion_tokens").asInt()).isEqualTo(8);
        assertThat(lines.get(2).get("custom_id").asText()).isEqualTo("chat");
        assertThat(lines.get(3).at("/response/body/error/message").asText()).isEqualTo("line 4: prompt is missing");
        JsonNode many = lines.get(4).at("/response/body/choices");
        assertThat(field(List.of(many.get(0), many.get(1)), "index")).containsExactly("0", "1");
        assertThat(many).hasSize(2);
    }

    /** The same tokens, greedy, in our form with two of the likeliest and in OpenAI's with one. */
    private static void checkLogprobs(JsonNode own, JsonNode content) {
        assertThat(own.get("logprobs")).hasSize(8);
        assertThat(own.get("top_logprobs")).hasSize(8);
        assertThat(content).hasSize(8);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            JsonNode best = own.get("top_logprobs").get(i).get(0);
            assertThat(own.get("top_logprobs").get(i)).hasSize(2);
            assertThat(best.get("id")).isEqualTo(own.get("token_ids").get(i));
            assertThat(best.get("logprob")).isEqualTo(own.get("logprobs").get(i));
            assertThat(best.get("logprob").asDouble()).isNegative()
                    .isGreaterThan(own.get("top_logprobs").get(i).get(1).get("logprob").asDouble());
            text.append(best.get("token").asText());
            assertThat(content.get(i).get("token")).isEqualTo(best.get("token"));
            assertThat(content.get(i).get("logprob").asDouble()).isEqualTo(best.get("logprob").asDouble(),
                    within(1e-4));
            assertThat(content.get(i).get("top_logprobs")).hasSize(1);
        }
        assertThat(text).hasToString(own.get("text").asText());
    }

    private static String request(String id, String url, String body) {
        return "{\"custom_id\": \"" + id + "\", \"method\": \"POST\", \"url\": \"" + url + "\", \"body\": " + body
                + "}";
    }
}
