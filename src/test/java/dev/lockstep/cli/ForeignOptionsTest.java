package dev.lockstep.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

import dev.lockstep.cli.ForeignOptions.Line;
import dev.lockstep.cli.ForeignOptions.Translation;
import dev.lockstep.cli.ForeignOptions.Treatment;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.Mpjrun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ForeignOptionsTest {
    private static CommandLine own(String where) {
        return where.equals(ForeignOptions.LAUNCHER)
                ? new CommandLine(new Mpjrun())
                : BuiltInJob.all().stream().filter(job -> job.name().equals(where)).findFirst().orElseThrow()
                        .commandLine();
    }

    private static List<Line> lines() {
        return ForeignOptions.lines();
    }

    /** Each line is typed as its own program would have it, with a word of ours on either side. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("lines")
    void translate_everyLine_isDoneAsItSays(Line line) {
        boolean launcher = line.where().equals(ForeignOptions.LAUNCHER);
        CommandLine own = own(line.where());
        assertThat(own.getCommandSpec().findOption(line.option())).as("an option of ours").isNull();
        List<String> values = IntStream.range(0, line.values()).mapToObj(i -> "v" + i).toList();
        List<String> before = launcher ? List.of("--timeout", "9") : List.of("--seed", "9");
        List<String> after = launcher ? List.of("hello", line.option()) : List.of("--greedy");
        List<String> typed = new ArrayList<>(before);
        typed.add(line.option());
        typed.addAll(values);
        typed.addAll(after);
        if (line.treatment() == Treatment.REFUSED) {
            assertThatThrownBy(() -> ForeignOptions.translate(line.where(), own, typed, !launcher))
                    .isInstanceOf(UsageException.class).hasMessage(line.option() + ": " + line.text());
            return;
        }
        Translation translated = ForeignOptions.translate(line.where(), own, typed, !launcher);
        List<String> expected = new ArrayList<>(before);
        if (line.treatment() == Treatment.RENAMED) {
            List<String> words = List.of(line.text().replace("$1", "v0").replace("$2", "v1").split(" "));
            assertThat(own.getCommandSpec().findOption(words.get(0))).as(words.get(0)).isNotNull();
            expected.addAll(words);
            assertThat(translated.notes()).isEmpty();
        } else {
            assertThat(translated.notes()).containsExactly(line.option() + " has no effect: " + line.text());
        }
        expected.addAll(after);
        assertThat(translated.args()).isEqualTo(expected);
        assertThat(translated.unknown()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "--max_new_tokens 5 --top_p=0.5          | --max-new-tokens 5 --top-p=0.5",
            "--max_tokens 5 --num_return_sequences 2 | --max-new-tokens 5 --num-samples 2",
            "--max-tokens=5                          | --max-new-tokens 5",
            "--stop --max-tokens --stop -i           | --stop --max-tokens --stop -i",
            "--temperature -1 --nope 3 -- -i         | --temperature -1 --nope 3 -- -i"})
    void translate_wordsOfAJob(String typed, String expected) {
        assertThat(ForeignOptions.translate("generate", own("generate"), List.of(typed.split(" ")), true).args())
                .containsExactly(expected.split(" "));
    }

    @Test
    void translate_unknownOptions_areNamed() {
        assertThat(ForeignOptions.translate("bench", own("bench"),
                List.of("decode", "--batch_sizes", "1", "--nope=3", "-np", "2"), true))
                        .isEqualTo(new Translation(List.of("decode", "--batch-sizes", "1", "--nope=3", "-np", "2"),
                                List.of(),
                                List.of("--nope", "-np")));
    }

    @Test
    void translate_valuesThatAreMissingOrTooMany_areSaid() {
        assertThatThrownBy(() -> ForeignOptions.translate("generate", own("generate"), List.of("--max-tokens"), true))
                .hasMessage("--max-tokens needs a value after it");
        assertThatThrownBy(() -> ForeignOptions.translate("launcher", own("launcher"), List.of("-genv", "A"), false))
                .hasMessage("-genv needs 2 values after it");
        assertThatThrownBy(
                () -> ForeignOptions.translate("generate", own("generate"), List.of("--trust-remote-code=1"), true))
                        .hasMessage("--trust-remote-code takes no value, not 1");
    }

    /** The page for those who come from elsewhere has a row for each line, and no other. */
    @Test
    void flagsPage_hasEveryLine() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("src/site/markdown/flags.md")).stream()
                .filter(row -> row.startsWith("| `-")).toList();
        assertThat(rows).containsExactlyElementsOf(lines().stream().map(line -> "| `" + line.option() + "` | "
                + line.from() + " | " + switch (line.treatment()) {
                case RENAMED -> "the same as `" + line.text().replace("$1", "…").replace("$2", "…") + "`";
                case WITHOUT_EFFECT -> "no effect: " + line.text();
                case REFUSED -> "refused: " + line.text();
                } + " |").toList());
    }
}
