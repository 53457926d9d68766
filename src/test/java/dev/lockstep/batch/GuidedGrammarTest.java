package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.LongRun;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.TokenRules;
import dev.lockstep.grammar.Grammar;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.SamplingFields;

import static dev.lockstep.batch.GuidedRows.generator;
import static dev.lockstep.batch.GuidedRows.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Rows whose text is to fit a regular expression or a schema, by models of random weights, which would write rubbish without. */
class GuidedGrammarTest {
    private static final String REGEX = "(né|[A-Z][a-z]{1,8}) (in|at) \\d{4}(, or so)?";
    private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":6},"
            + "\"age\":{\"type\":\"integer\",\"minimum\":18,\"maximum\":99},\"tags\":{\"type\":\"array\",\"items\":"
            + "{\"enum\":[\"good\",\"évil\"]},\"maxItems\":2},\"alive\":{\"type\":\"boolean\"}},"
            + "\"required\":[\"name\",\"age\",\"alive\"]}";
    private static final Map<Integer, String> FIELDS = Map.of(1, "\"guided_regex\":" + quoted(REGEX), 2,
            "\"guided_json\":" + SCHEMA, 3,
            "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"person\",\"schema\":" + SCHEMA
                    + "}}");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path scratch;

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\") + "\"";
    }

    @ParameterizedTest
    @LongRun(butFor = {2, 4})
    @ValueSource(strings = {"\"greedy\":true", "\"temperature\":2,\"top_k\":0",
            "\"temperature\":1,\"top_k\":1,\"logprobs\":2",
            "\"temperature\":1,\"top_p\":0.9,\"repetition_penalty\":1.3"})
    void generate_grammar_isWhatTheTextFitsAloneAndAmongOthers(String sampling) throws IOException {
        try (Generator generator = generator(scratch)) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                // every fourth is free
                String field = i % 4 == 0 ? "" : "," + FIELDS.get(i % 4);
                requests.add(request(generator, i, "\"max_new_tokens\":200,\"eos_token_id\":0," + sampling + field));
            }
            var validator = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(SCHEMA);
            for (Completion completion : generator.generate(requests, 5)) {
                assertThat(completion.error()).isNull();
                Completion alone = generator.generate(List.of(requests.get(completion.index())), 1).get(0);
                assertThat(completion.tokenIds()).isEqualTo(alone.tokenIds());
                if (completion.index() % 4 == 1) {
                    assertThat(completion.text()).matches(Pattern.compile(REGEX));
                } else if (completion.index() % 4 > 1) {
                    assertThat(validator.validate(JSON.readTree(completion.text()))).as(completion.text()).isEmpty();
                }
                if (completion.index() % 4 > 0) {
                    assertThat(completion.finishReason()).isEqualTo(FinishReason.EOS);
                }
            }
        }
    }

    @Test
    void generate_anyObject_isABeginningOfOne() throws IOException {
        try (Generator generator = generator(scratch)) {
            Completion completion = generator.generate(List.of(request(generator, 0,
                    "\"max_new_tokens\":3,\"eos_token_id\":0,\"response_format\":{\"type\":\"json_object\"}")), 1)
                    .get(0);
            assertThat(completion.text()).startsWith("{");
            assertThat(completion.finishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    /** Tokens that other fields rule out stay ruled out, and a row that has none left says so. */
    @Test
    void generate_otherFields_holdBesideAGrammar() throws IOException {
        try (Generator generator = generator(scratch)) {
            int[] yes = generator.tokenizer().encode("yes", false);
            String field = "\"max_new_tokens\":9,\"eos_token_id\":0,\"greedy\":true,\"guided_regex\":\"yes|[0-9]\"";
            List<Completion> completions = generator.generate(List.of(request(generator, 0, field),
                    request(generator, 1, field + ",\"suppress_tokens\":[" + yes[0] + "]"),
                    request(generator, 2, field + ",\"allowed_token_ids\":[" + yes[0] + "]"),
                    request(generator, 3, "\"guided_regex\":\"a\""),
                    request(generator, 4,
                            "\"eos_token_id\":0,\"ignore_eos\":true,\"guided_json\":{\"type\":\"null\"}")),
                    5);
            assertThat(completions.get(0).text()).matches("yes|[0-9]");
            assertThat(completions.get(1).text()).matches("yes|[0-9]");
            assertThat(completions.get(2).error()).contains("no token");
            assertThat(completions.get(3).error())
                    .isEqualTo("guided_regex needs an end token; name one with eos_token_id");
            assertThat(completions.get(4).error()).isEqualTo(
                    "guided_json and ignore_eos do not go together: the text ends where it is complete");
        }
    }

    @Test
    void read_structuredOutputs_areTheFieldsOfThoseNames() throws IOException {
        assertThat(rules("\"structured_outputs\":{\"regex\":\"a+\",\"json\":null}"))
                .isEqualTo(rules("\"guided_regex\":\"a+\"")).isEqualTo(TokenRules.of(Grammar.regex("a+")));
        assertThat(rules("\"structured_outputs\":{\"json\":{\"type\":\"null\"}}"))
                .isEqualTo(rules("\"guided_json\":\"{\\\"type\\\":\\\"null\\\"}\""));
        assertThat(rules("\"structured_outputs\":{\"choice\":[\"a\",\"b\"]}").choices()).containsExactly("a", "b");
        assertThat(rules("\"structured_outputs\":{\"json_object\":true}"))
                .isEqualTo(rules("\"response_format\":{\"type\":\"json_object\"}"));
    }

    private static TokenRules rules(String fields) throws IOException {
        return SamplingFields.ofRow(Json.MAPPER.readTree("{" + fields + "}")).rules();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', value = {
            "\"guided_regex\":\"a(\" ~ guided_regex has no ) where one has to be (character 2)",
            "\"guided_regex\":3 ~ guided_regex must be a string, not 3",
            "\"guided_json\":{\"type\":\"array\",\"contains\":{}} ~ guided_json has the keyword \"contains\", which is not supported there",
            "\"guided_json\":\"{\" ~ `guided_json is not JSON: `",
            "\"guided_regex\":\"a\",\"guided_json\":{} ~ `guided_regex and guided_json both say what the whole text is like, so give one of them`",
            "\"guided_choice\":[\"a\"],\"guided_json_object\":true ~ `guided_json_object and guided_choice both say`",
            "\"structured_outputs\":{\"grammar\":\"x\"} ~ `structured_outputs has \"grammar\", which is not supported`",
            "\"structured_outputs\":3 ~ `structured_outputs must be an object, not 3`",
            "\"structured_outputs\":{\"regex\":\"[\"} ~ guided_regex has no ] where one has to be",
            "\"guided_regex\":\"a\",\"structured_outputs\":{\"regex\":\"b\"} ~ guided_regex and structured_outputs both say",
            "\"structured_outputs\":{\"choice\":[\"b\"],\"json_object\":true} ~ guided_json_object and guided_choice both say",
            "\"response_format\":{\"type\":\"xml\"} ~ response_format must be an object whose type is",
            "\"response_format\":{\"type\":\"json_schema\"} ~ response_format must be an object whose json_schema has a schema"})
    void read_whatIsWrong_isRefusedByName(String fields, String sentence) throws IOException {
        JsonNode row = Json.MAPPER.readTree("{" + fields + "}");
        assertThatThrownBy(() -> SamplingFields.ofRow(row)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(sentence);
    }
}
