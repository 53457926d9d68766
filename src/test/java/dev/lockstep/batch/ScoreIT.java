package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.json.Json;

import static dev.lockstep.fixtures.Runs.field;
import static dev.lockstep.fixtures.Runs.rows;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** {@code generate --score}, against transformers ({@code src/test/golden/scores.py}). */
class ScoreIT {
    @TempDir
    private Path temp;

    @Test
    void score_choices_equalTransformersOnTwoRanks() throws IOException {
        Map<String, List<JsonNode>> byPrompt = new LinkedHashMap<>();
        Golden.json("scores-kjv-6m.json").get("cases")
                .forEach(one -> byPrompt.computeIfAbsent(one.get("prompt").asText(), prompt -> new ArrayList<>())
                        .add(one));
        StringBuilder input = new StringBuilder();
        List<JsonNode> expected = new ArrayList<>();
        byPrompt.forEach((prompt, cases) -> {
            ObjectNode row = Json.MAPPER.createObjectNode().put("prompt", prompt);
            cases.forEach(one -> row.withArray("choices").add(one.get("text")));
            input.append(row).append('\n');
            expected.addAll(cases);
        });
        input.append("{\"prompt\": \"Verily,\", \"completion\": \"\"}\n{\"prompt\": \"Verily,\"}\n");
        Path prompts = Files.writeString(temp.resolve("prompts.jsonl"), input);
        Launched.Result ran = Runs.generate(2, temp, "--score", "--batch-size", "3", "--prompts", prompts.toString())
                .run();
        assertThat(ran.exitCode()).as(ran.stderr()).isEqualTo(3);
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertThat(rows).hasSize(expected.size() + 2);
        for (int i = 0; i < expected.size(); i++) {
            JsonNode one = expected.get(i);
            JsonNode row = rows.get(i);
            assertThat(row.fieldNames()).toIterable().containsExactly("index", "id", "sample", "prompt", "text",
                    "token_ids", "score", "logprobs", "top_logprobs", "prompt_tokens", "completion_tokens",
                    "finish_reason", "rank");
            assertThat(row.get("prompt")).isEqualTo(one.get("prompt"));
            assertThat(row.get("text")).isEqualTo(one.get("text"));
            assertThat(row.get("token_ids")).isEqualTo(one.get("token_ids"));
            assertThat(row.at("/score/logprob").asDouble()).as(row.toString())
                    .isCloseTo(one.get("logprob").asDouble(), within(1e-4 * one.get("token_ids").size()));
            assertThat(row.at("/score/greedy").asBoolean()).as(row.toString()).isEqualTo(one.get("greedy").asBoolean());
        }
        assertThat(field(rows.subList(0, expected.size()), "rank")).contains("0", "1");
        assertThat(rows.get(expected.size()).get("error").asText()).isEqualTo("a text to be scored is empty");
        assertThat(rows.get(expected.size() + 1).get("error").asText()).isEqualTo(
                "--score needs a text in \"completion\" or texts in \"choices\", and not both");
    }

    /** A whole text stands after the token that texts begin with, whether or not the tokenizer puts it there. */
    @Test
    void score_textAfterNothing_standsAfterTheBeginToken() throws IOException {
        JsonNode expected = Golden.json("scores-kjv-6m.json").get("cases");
        Path prompts = temp.resolve("prompts.jsonl");
        List<JsonNode> alone = new ArrayList<>();
        for (JsonNode one : expected) {
            if (one.get("prompt").asText().isEmpty()) {
                alone.add(one);
            }
        }
        assertThat(alone).isNotEmpty();
        StringBuilder input = new StringBuilder();
        alone.forEach(one -> input.append(
                Json.MAPPER.createObjectNode().put("prompt", "").put("completion", one.get("text").asText()))
                .append('\n'));
        Files.writeString(prompts, input);
        Runs.succeed(1, temp, "--score", "--no-special-tokens", "--prompts", prompts.toString());
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertThat(rows).hasSameSizeAs(alone);
        for (int i = 0; i < rows.size(); i++) {
            assertThat(rows.get(i).get("token_ids")).isEqualTo(alone.get(i).get("token_ids"));
            assertThat(rows.get(i).at("/score/logprob").asDouble()).isCloseTo(alone.get(i).get("logprob").asDouble(),
                    within(1e-4 * alone.get(i).get("token_ids").size()));
        }
    }

    /** {@code --prompt-logprobs} has of a prompt what {@code --score} has of the same text after nothing. */
    @Test
    @LongRun
    void promptLogprobs_ofAPrompt_areItsScores() throws IOException {
        Path prompts = Files.writeString(temp.resolve("prompts.jsonl"),
                "{\"prompt\": \"In the beginning\"}\n{\"prompt\": \"And God\", \"prompt_logprobs\": 0}\n");
        Path texts = Files.writeString(temp.resolve("texts.jsonl"),
                "{\"prompt\": \"\", \"completion\": \"In the beginning\"}\n");
        Runs.succeed(2, temp, "--prompts", prompts.toString(), "--prompt-logprobs", "2", "--max-new-tokens", "3");
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        Runs.succeed(1, temp, "--score", "--prompts", texts.toString(), "--logprobs", "2", "--output",
                temp.resolve("scores.jsonl").toString());
        JsonNode score = rows(temp.resolve("scores.jsonl")).get(0);
        JsonNode tokens = rows.get(0).get("prompt_logprobs");
        assertThat(tokens).hasSize(rows.get(0).get("prompt_tokens").asInt()).hasSizeGreaterThan(2);
        assertThat(tokens.get(0).get("logprob").isNull()).isTrue();
        for (int i = 1; i < tokens.size(); i++) {
            assertThat(tokens.get(i).get("id")).isEqualTo(score.get("token_ids").get(i - 1));
            assertThat(tokens.get(i).get("logprob").asDouble())
                    .isCloseTo(score.get("logprobs").get(i - 1).asDouble(), within(1e-4));
            assertThat(tokens.get(i).at("/top_logprobs/0/token"))
                    .isEqualTo(score.get("top_logprobs").get(i - 1).at("/0/token"));
        }
        assertThat(rows.get(0).has("logprobs")).isFalse();
        assertThat(rows.get(1).get("prompt_logprobs").get(1).has("top_logprobs")).isFalse();
    }

    /** As lm-evaluation-harness asks a server: the prompt again, how likely its tokens were, and one token more. */
    @Test
    @LongRun
    void echo_withLogprobs_hasThePromptsTokensToo() throws IOException {
        Path prompts = Files.writeString(temp.resolve("prompts.jsonl"),
                """
                        {"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"model": "m", "prompt": "In the beginning",                 "temperature": 0, "max_tokens": 1, "logprobs": 1, "echo": true}}
                        {"custom_id": "b", "method": "POST", "url": "/v1/completions", "body": {"model": "m", "prompt": "And God",                 "temperature": 0, "max_tokens": 2, "echo": true}}
                        """);
        Path texts = Files.writeString(temp.resolve("texts.jsonl"),
                "{\"prompt\": \"\", \"completion\": \"In the beginning\"}\n");
        Runs.succeed(2, temp, "--prompts", prompts.toString());
        JsonNode choice = rows(temp.resolve("results.jsonl")).get(0).at("/response/body/choices/0");
        Runs.succeed(1, temp, "--score", "--prompts", texts.toString(), "--output",
                temp.resolve("scores.jsonl").toString());
        JsonNode score = rows(temp.resolve("scores.jsonl")).get(0);
        assertThat(choice.get("text").asText()).startsWith("In the beginning").hasSizeGreaterThan(16);
        JsonNode logprobs = choice.get("logprobs");
        int before = score.get("token_ids").size() + 1; // the token that begins texts
        for (String name : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
            assertThat(logprobs.get(name)).as(name).hasSize(before + 1);
        }
        assertThat(logprobs.at("/token_logprobs/0").isNull()).isTrue();
        assertThat(logprobs.at("/top_logprobs/0").isNull()).isTrue();
        for (int i = 1; i < before; i++) {
            assertThat(logprobs.get("token_logprobs").get(i).asDouble())
                    .isCloseTo(score.get("logprobs").get(i - 1).asDouble(), within(1e-4));
            int offset = logprobs.get("text_offset").get(i).asInt();
            assertThat(choice.get("text").asText().substring(offset))
                    .startsWith(logprobs.get("tokens").get(i).asText());
        }
        assertThat(logprobs.get("text_offset").get(before).asInt()).isEqualTo("In the beginning".length());
        JsonNode plain = rows(temp.resolve("results.jsonl")).get(1).at("/response/body/choices/0");
        assertThat(plain.get("text").asText()).startsWith("And God");
        assertThat(plain.get("logprobs").isNull()).isTrue();
    }
}
