package dev.lockstep.prompts;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.json.Json;

import static org.assertj.core.api.Assertions.assertThat;

/** A field that would change the answer is honoured, or it is the row's error. */
class PromptFieldsTest {
    private static final Path CASES = Path.of("src/test/resources/cases");
    private static final List<String> PLAIN = List.of("prompt", "messages", "max_new_tokens");
    /** Of lines whose name is not the field's. */
    private static final Map<String, String> FIELDS = Map.of("tool_choice_named", "tool_choice");

    static Stream<String> rows() throws IOException {
        return Files.readAllLines(CASES.resolve("row-fields-that-change-the-answer/prompts.jsonl")).stream();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void of_fieldOfARow_changesWhatIsDoneOrIsNamed(String line) throws IOException {
        ObjectNode row = (ObjectNode) Json.MAPPER.readTree(line);
        ObjectNode without = row.deepCopy();
        row.fieldNames().forEachRemaining(name -> {
            if (!PLAIN.contains(name)) {
                without.remove(name);
            }
        });
        String field = Stream.of(line.split("\"")).filter(part -> row.has(part) && !without.has(part)).findFirst()
                .orElseThrow();
        check(field, of(row), of(without));
    }

    static Stream<String> requests() throws IOException {
        // content is the template's business
        return Files.readAllLines(CASES.resolve("openai-fields-that-change-the-answer/prompts.jsonl")).stream()
                .filter(line -> !line.contains("\"custom_id\": \"parts\"") && !line.contains("\"image\""));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void of_fieldOfARequest_changesWhatIsDoneOrIsNamed(String line) throws IOException {
        ObjectNode request = (ObjectNode) Json.MAPPER.readTree(line);
        String name = request.get("custom_id").asText();
        String field = FIELDS.getOrDefault(name, name);
        assertThat(request.get("body").has(field)).isTrue();
        ObjectNode without = request.deepCopy();
        ((ObjectNode) without.get("body")).remove(field);
        check(field, of(request), of(without));
    }

    private static void check(String field, Prompt with, Prompt without) {
        assertThat(without.error()).isNull();
        if (with.error() != null) {
            assertThat(with.error()).startsWith("line 1: ").contains(field).isNotEqualTo(without.error());
        } else {
            assertThat(with).as(field).isNotEqualTo(without);
        }
    }

    /** The fields of the cases that are honoured, so that nobody mistakes an error for it. */
    @ParameterizedTest
    @ValueSource(strings = {"\"n\": 2", "\"min_tokens\": 3", "\"do_sample\": true", "\"logit_bias\": {\"5\": -100}",
            "\"stop_token_ids\": [5]", "\"no_repeat_ngram_size\": 2", "\"allowed_token_ids\": [1, 2]",
            "\"max_length\": 20", "\"top_k\": -1", "\"num_return_sequences\": 3"})
    void of_fieldsThatOthersHaveToo_areHonoured(String field) throws IOException {
        Prompt prompt = of(Json.MAPPER.readTree("{\"prompt\": \"Hi\", " + field + "}"));
        assertThat(prompt.error()).isNull();
        assertThat(prompt).isNotEqualTo(of(Json.MAPPER.readTree("{\"prompt\": \"Hi\"}")));
    }

    /** Values that ask for nothing, as servers' clients send them. */
    @Test
    void of_requestWithHarmlessFields_passes() throws IOException {
        Prompt prompt = of(Json.MAPPER.readTree("""
                {"custom_id": "a", "url": "/v1/chat/completions", "body": {"model": "m", "user": "u", "store": false,
                 "messages": [{"role": "user", "content": "Hi"}], "stream": true, "metadata": {"a": "b"}, "tools": null,
                 "service_tier": "auto", "modalities": ["text"], "tool_choice": "none", "parallel_tool_calls": true,
                 "prediction": null, "use_beam_search": false, "length_penalty": 1.0, "skip_special_tokens": true,
                 "response_format": {"type": "text"}, "best_of": 2, "n": 2, "logit_bias": {}, "priority": 0}}"""));
        assertThat(prompt.error()).isNull();
    }

    @Test
    void of_rowsOfOnesOwn_mayHaveOtherFields() throws IOException {
        assertThat(of(Json.MAPPER.readTree("""
                {"prompt": "Hi", "audio": "a.wav", "prediction": "Ho", "model": "m", "verbosity": 3, "answer": [1]}"""))
                .error()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"max_new_token, max_new_tokens", "maxNewTokens, max_new_tokens", "temprature, temperature",
            "top-k, top_k", "topp, top_p", "repetition_penality, repetition_penalty", "Seed, seed", "message, messages",
            "answer,", "text,", "q,", "ids,", "max_new_tokens,", "label,", "category,", "num_beams,"})
    void meant_nameNearToAKnownOne_isThat(String name, String known) {
        assertThat(PromptFields.meant(name)).isEqualTo(known);
    }

    @Test
    void names_nearToKnownOnes_areSaidOnceWithTheirCount() {
        PromptReader reader = PromptReader.open("-", new ByteArrayInputStream("""
                {"prompt": "a", "max_new_token": 4}
                {"prompt": "b", "max_new_token": 4, "temprature": 1, "label": 3}
                """.getBytes(StandardCharsets.UTF_8)));
        reader.forEachRemaining(prompt -> assertThat(prompt.error()).isNull());
        assertThat(reader.names().sentence()).contains("fields without effect, taken for data: "
                + "max_new_token (2 rows; was max_new_tokens meant?), temprature (1 row; was temperature meant?)");
    }

    private static Prompt of(JsonNode row) {
        return PromptParser.of(0, "line 1", row, new MistypedFields());
    }
}
