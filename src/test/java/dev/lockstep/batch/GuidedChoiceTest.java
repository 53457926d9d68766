package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.SamplingFields;

import static dev.lockstep.batch.GuidedRows.generator;
import static dev.lockstep.batch.GuidedRows.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Rows with {@code guided_choice}, by models of random weights, which would write rubbish without it. */
class GuidedChoiceTest {
    private static final List<String> CHOICES = List.of("yes", "yes, of course", "né à Zürich", "no");
    private static final String FIELD = "\"eos_token_id\":0,\"guided_choice\":"
            + "[\"yes\",\"yes, of course\",\"né à Zürich\",\"no\"]";

    @TempDir
    private Path scratch;

    @ParameterizedTest
    @ValueSource(strings = {"\"greedy\":true", "\"temperature\":2,\"top_k\":0",
            "\"temperature\":1,\"top_p\":0.5,\"min_p\":0.1",
            "\"temperature\":1,\"repetition_penalty\":1.5", "\"temperature\":1,\"top_k\":1,\"logprobs\":2"})
    void generate_guidedChoice_isOneOfThemAloneAndAmongOthers(String sampling) throws IOException {
        try (Generator generator = generator(scratch)) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                // every third is free
                requests.add(
                        request(generator, i, "\"max_new_tokens\":40," + sampling + (i % 3 == 0 ? "" : "," + FIELD)));
            }
            List<Completion> together = generator.generate(requests, 5);
            for (Completion completion : together) {
                Completion alone = generator.generate(List.of(requests.get(completion.index())), 1).get(0);
                assertThat(completion.error()).isNull();
                assertThat(completion.tokenIds()).isEqualTo(alone.tokenIds());
                if (completion.index() % 3 == 0) {
                    assertThat(completion.text()).isNotIn(CHOICES);
                } else {
                    assertThat(completion.text()).isIn(CHOICES);
                    assertThat(completion.finishReason()).isEqualTo(FinishReason.EOS);
                }
            }
        }
    }

    @Test
    void generate_tooFewTokens_isABeginningAndEndsByLength() throws IOException {
        try (Generator generator = generator(scratch)) {
            Completion completion = generator.generate(List.of(request(generator, 0,
                    "\"max_new_tokens\":2,\"eos_token_id\":0,\"guided_choice\":[\"Nebuchadnezzar the king of Babylon\"]")),
                    1).get(0);
            assertThat("Nebuchadnezzar the king of Babylon").startsWith(completion.text());
            assertThat(completion.text()).isNotEmpty();
            assertThat(completion.finishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void generate_nothingCanEndTheText_isThatRowsError() throws IOException {
        try (Generator generator = generator(scratch)) {
            List<Completion> completions = generator.generate(List.of(
                    request(generator, 0, "\"guided_choice\":[\"a\"]"),
                    request(generator, 1, "\"eos_token_id\":0,\"ignore_eos\":true,\"guided_choice\":[\"a\"]"),
                    request(generator, 2, "\"eos_token_id\":0,\"guided_choice\":[\"a\"]")), 3);
            assertThat(completions.get(0).error())
                    .isEqualTo("guided_choice needs an end token; name one with eos_token_id");
            assertThat(completions.get(1).error())
                    .isEqualTo("guided_choice and ignore_eos do not go together: the text ends"
                            + " where it is complete");
            assertThat(completions.get(2).text()).isEqualTo("a");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "[\"\"]", "[\"a\",1]", "3", "[\"\\ud800\"]"})
    void read_noListOfTexts_isRefusedByName(String value) throws IOException {
        JsonNode row = Json.MAPPER.readTree("{\"guided_choice\":" + value + "}");
        assertThatThrownBy(() -> SamplingFields.ofRow(row)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("guided_choice");
    }
}
