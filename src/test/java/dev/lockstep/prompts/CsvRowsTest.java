package dev.lockstep.prompts;

import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Tables that Python's csv module has written, and others that are broken. */
class CsvRowsTest {
    private static final Path FILES = Path.of("src/test/resources/csv");

    @TempDir
    private Path temp;

    private static List<Prompt> read(Path file) {
        return PromptReader.readAll(file.toString(), InputStream.nullInputStream());
    }

    private List<Prompt> read(String name, String content) throws Exception {
        return read(Files.writeString(temp.resolve(name), content));
    }

    /** With line breaks, quotes, separators and JSON in their cells; with a byte order mark and CRLF, tabs, and semicolons. */
    @ParameterizedTest
    @ValueSource(strings = {"rows.csv", "rows.tsv", "semicolons.csv"})
    void readAll_tablesOfPython_areTheRowsOfTheJsonLines(String name) {
        List<Prompt> expected = read(FILES.resolve("rows.jsonl"));
        assertThat(expected).hasSize(61).allSatisfy(prompt -> assertThat(prompt.error()).isNull());
        assertThat(read(FILES.resolve(name))).usingRecursiveFieldByFieldElementComparator().isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rows.csv", "rows.tsv", "semicolons.csv"})
    void again_anyRow_isWhatItWas(String name) throws Exception {
        Path file = FILES.resolve(name);
        List<Prompt> rows = new ArrayList<>();
        List<Long> offsets = new ArrayList<>();
        try (PromptReader reader = PromptReader.open(file.toString(), InputStream.nullInputStream());
                FileChannel channel = FileChannel.open(file)) {
            while (reader.hasNext()) {
                rows.add(reader.next());
                offsets.add(reader.offset());
            }
            for (int row = rows.size() - 1; row >= 0; row--) {
                assertThat(PromptReader.again(file.toString(), channel, offsets.get(row), row))
                        .usingRecursiveComparison().isEqualTo(rows.get(row));
            }
            assertThat(PromptReader.again(file.toString(), channel, channel.size(), rows.size())).isNull();
        }
    }

    @Test
    void readAll_brokenRows_areErrorsOfTheirOwn() throws Exception {
        List<Prompt> rows = read("p.csv", """
                id,prompt,temperature
                a,"one
                two",0.5

                b,too,many,cells
                c,few
                d,"qu"ote,1
                e,5" tall,hot
                f,good,0
                g,"never ends,1
                """);
        assertThat(rows).extracting(Prompt::error).containsExactly(null,
                "line 5: has 4 cells, and the first line names 3 columns",
                "line 6: has 2 cells, and the first line names 3 columns",
                rows.get(3).error(), "line 8: temperature must be a number, not \"hot\"", null,
                "line 10: a cell begins with a quote and does not end with one");
        assertThat(rows.get(3).error()).startsWith("line 7: not cells that can be read: ").doesNotContain("\n");
        assertThat(rows.get(0).text()).isEqualTo("one\ntwo");
        assertThat(rows.get(5).text()).isEqualTo("good");
        Path bytes = temp.resolve("b.csv");
        Files.write(bytes, "prompt\n\u00e4\nb\n".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(read(bytes)).extracting(Prompt::error).containsExactly("line 2: not valid UTF-8", null);
    }

    @Test
    void readAll_cellsAndColumnsWithoutNames_areNoFields() throws Exception {
        List<Prompt> rows = read("p.csv", ",prompt,seed,remark\n0,a,,so\n1,b,3,\n");
        assertThat(rows).extracting(Prompt::error).containsOnlyNulls();
        assertThat(rows.get(0).overrides().seed()).isNull();
        assertThat(rows.get(1).overrides().seed()).isEqualTo(3);
        assertThat(read("none.csv", "")).isEmpty();
        assertThat(read("names.csv", "prompt\n")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "text,id | must name its columns in its first line, and prompt or messages among them",
            "prompt,prompt | has two columns named prompt: give each field one column",
            "'\"prompt' | has no line of column names that can be read first"})
    void open_withoutColumnsOfPrompts_stopsTheJob(String header, String why) {
        assertThatThrownBy(() -> read("p.csv", header + "\na,b\n")).isInstanceOf(UsageException.class)
                .hasMessage("--prompts " + temp.resolve("p.csv") + " " + why);
    }
}
