package dev.lockstep.jinja;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;
import dev.lockstep.tokenizer.ChatTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** All of Jinja and of Python's types that a template can reach, with what jinja2 makes of it. */
class JinjaPythonTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2025-07-26T13:05:09Z"), ZoneOffset.UTC);
    private static final JsonNode PYTHON = Golden.json("jinja_python.json");
    private static final JsonNode BUILTINS = Golden.json("jinja_builtins.json");

    @TempDir
    private Path directory;

    static Stream<JsonNode> python() {
        return stream(PYTHON);
    }

    static Stream<JsonNode> builtins() {
        return stream(BUILTINS);
    }

    private static Stream<JsonNode> stream(JsonNode file) {
        return StreamSupport.stream(file.get("cases").spliterator(), false);
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("python")
    void render_pythonsValuesAndOperators_equalJinja2(JsonNode golden) throws IOException {
        check(golden, PYTHON.get("values"));
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("builtins")
    void render_everyBuiltin_equalsJinja2OrIsRefusedByName(JsonNode golden) throws IOException {
        check(golden, BUILTINS.get("values"));
    }

    private void check(JsonNode golden, JsonNode values) throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), golden.get("template").asText());
        if (golden.has("rendered")) {
            assertThat(ChatTemplate.load(directory, CLOCK).orElseThrow().render(values)).as(golden.toString())
                    .isEqualTo(golden.get("rendered").asText());
            return;
        }
        // what a template calls by a name that is not there is seen when it is read, other faults when it is rendered
        assertThatThrownBy(() -> ChatTemplate.load(directory, CLOCK).orElseThrow().render(values))
                .as(golden.toString()).isInstanceOfAny(IllegalArgumentException.class, ModelException.class)
                .hasMessageContaining(golden.has("error")
                        ? golden.get("error").asText()
                        : golden.path("refused").asText(""))
                .hasMessageNotContainingAny("\n", "java.", "..");
    }
}
