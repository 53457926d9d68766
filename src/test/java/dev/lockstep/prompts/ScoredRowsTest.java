package dev.lockstep.prompts;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;

/** What {@code --score} makes of rows. */
class ScoredRowsTest {
    @Test
    void apply_choices_areSamples() {
        Prompt row = score("{\"prompt\": \"a\", \"choices\": [\" b\", \"\", \" b\"]}");
        assertThat(row.error()).isNull();
        assertThat(row.scored()).containsExactly(" b", "", " b");
        assertThat(row.samplesOr(1)).isEqualTo(3);
    }

    @Test
    void apply_completion_isOne() {
        Prompt row = score("{\"prompt\": \"a\", \"completion\": \" b\", \"n\": 1}");
        assertThat(row.scored()).isEqualTo(List.of(" b"));
        assertThat(row.samplesOr(7)).isEqualTo(1);
    }

    /** Data sets have fields of these names, which are nobody's business then. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"prompt\": \"a\", \"choices\": [\" b\"]}",
            "{\"prompt\": \"a\", \"completion\": \" b\"}",
            "{\"prompt\": \"a\", \"choices\": {\"text\": [\"b\"], \"label\": [\"A\"]}}",
            "{\"prompt\": \"a\", \"completion\": 7}"})
    void apply_withoutScore_leavesTheRowAsOthers(String json) {
        Prompt row = new ScoredRows(false).apply(row(json));
        assertThat(row).isEqualTo(row("{\"prompt\": \"a\"}"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "{\"prompt\": \"a\"} | --score needs a text in \"completion\" or texts in \"choices\", and not both",
            "{\"prompt\": \"a\", \"choices\": []} | --score needs a text in \"completion\" or texts in \"choices\", and not both",
            "{\"prompt\": \"a\", \"choices\": [\"b\", 2]} | --score needs a text in \"completion\" or texts in \"choices\", and not both",
            "{\"prompt\": \"a\", \"choices\": [\"b\"], \"completion\": \"c\"} | --score needs a text in \"completion\" or texts in \"choices\", and not both",
            "{\"prompt\": \"a\", \"choices\": [\"b\"], \"n\": 2} | num_samples and --score exclude each other: each text is scored once",
            "{\"prompt\": 3, \"choices\": [\"b\"]} | line 1: prompt must be a string, not 3"})
    void apply_whatCannotBeScored_isTheRowsError(String json, String error) {
        assertThat(score(json).error()).isEqualTo(error);
    }

    private static Prompt score(String json) {
        return new ScoredRows(true).apply(row(json));
    }

    private static Prompt row(String json) {
        return PromptParser.of(0, "line 1", Runs.json(json), new MistypedFields());
    }
}
