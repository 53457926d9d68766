package dev.lockstep.prompts;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PromptFileTest {
    private static final String TEN = text(10);

    @TempDir
    private Path dir;

    private static String text(int rows) {
        return IntStream.range(0, rows).mapToObj(row -> "prompt " + row + "\n").collect(Collectors.joining());
    }

    /** Reads rows as they stand. */
    private static void read(PromptFile prompts, int start, int end, List<Integer> read) {
        PromptFile.Rows rows = prompts.reread(start, end);
        for (int row = start; row < end; row++) {
            read.add(rows.read(row).index());
        }
        rows.end();
    }

    /** Rows that are read before the first that is not what it was, when the file changes between its two readings. */
    private void changed(String after, boolean blocks, int good, String how) throws IOException {
        Path file = Files.writeString(dir.resolve("p.txt"), TEN);
        try (PromptFile prompts = PromptFile.survey(file.toString(), null, blocks, 1, row -> row)) {
            Files.writeString(file, after);
            List<Integer> read = new ArrayList<>();
            assertThatThrownBy(() -> read(prompts, blocks ? 4 : 0, 10, read)).as(how).isInstanceOf(UsageException.class)
                    .hasMessage("--prompts " + file + " changed while the job ran, " + how
                            + "; put back what it was and "
                            + "go on with --resume, or remove the journal and begin anew");
            assertThat(read).hasSize(good);
        }
    }

    @Test
    void all_fileChangedInPlace_isFoundBeforeTheRowIsUsed() throws IOException {
        changed(TEN.replace("prompt 7", "prompt x"), false, 7, "row 7 is not what it was");
        changed(TEN.replace("prompt 7", "prompt x"), true, 3, "row 7 is not what it was");
        changed(text(9), false, 9, "it has only 9 rows now");
        changed(text(9), true, 5, "it has only 9 rows now");
        changed(text(3), true, 0, "it has only 3 rows now");
        changed(text(11), false, 10, "it has more rows now");
        changed(text(11), true, 6, "it has more rows now");
    }

    @Test
    void all_fileAsItWas_isReadTwice() throws IOException {
        Path file = Files.writeString(dir.resolve("p.txt"), text(3000));
        try (PromptFile prompts = PromptFile.survey(file.toString(), null, false, 1, row -> row)) {
            List<Integer> read = new ArrayList<>();
            read(prompts, 0, 3000, read);
            assertThat(read).isEqualTo(IntStream.range(0, 3000).boxed().toList());
        }
    }

    /** Whatever is thrown at one row is that row's error, in a file as in a pipe. */
    @Test
    void all_rowThatCannotBeFinished_failsAlone() throws IOException {
        Path file = Files.writeString(dir.resolve("p.txt"), TEN);
        for (boolean pipe : new boolean[]{false, true}) {
            var stdin = new ByteArrayInputStream(
                    text(2000).replaceAll("(.+)", "\"$1\"").getBytes(StandardCharsets.UTF_8));
            try (PromptFile prompts = PromptFile.survey(pipe ? "-" : file.toString(), stdin, false, 1,
                    row -> switch (row
                            .index() % 1000) {
                    case 3 -> throw new NullPointerException();
                    case 5 -> throw new StackOverflowError();
                    case 6 -> throw new IllegalStateException("no\nway");
                    default -> row;
                    })) {
                List<Prompt> all = new ArrayList<>();
                PromptFile.Rows known = prompts.reread(0, prompts.order().size());
                IntStream.range(0, prompts.order().size()).forEach(row -> all.add(known.read(row)));
                prompts.rest().forEachRemaining(all::add);
                List<String> errors = all.stream().filter(prompt -> prompt.error() != null)
                        .map(prompt -> prompt.index() + " " + prompt.error()).toList();
                assertThat(errors).startsWith("3 the row cannot be used: NullPointerException",
                        "5 the row is nested too deeply", "6 the row cannot be used: no way").hasSize(pipe ? 6 : 3);
            }
        }
        assertThatThrownBy(() -> PromptFile.survey(file.toString(), null, false, 1, row -> {
            throw new ModelException("no template");
        })).isInstanceOf(ModelException.class);
    }

    private static final String ALIKE = "\u00e9\"\\\uD83D\uDE00 that two rows begin with ".repeat(3);

    /** Prompts of which every third begins alike. */
    private static List<String> prompts(int rows) {
        return IntStream.range(0, rows).mapToObj(row -> (row % 3 == 1 ? ALIKE : "") + "prompt " + row).toList();
    }

    /** A file of every form with these prompts, a row that is broken among them, and blank lines where they may be. */
    private Path file(String name, List<String> prompts) throws IOException {
        Path file = dir.resolve(name);
        if (name.endsWith(".txt")) {
            return Files.writeString(file, "\uFEFF" + String.join("\r\n\n \n", prompts));
        }
        List<String> rows = new ArrayList<>();
        for (String prompt : prompts) {
            String text = Json.MAPPER.writeValueAsString(prompt);
            rows.add(rows.size() == 5
                    ? "{\"prompt\": 5}"
                    : rows.size() % 2 == 0 ? text : "{\"id\": \"\u00fc\", \"prompt\": " + text + "}");
        }
        return Files.writeString(file, name.endsWith(".json")
                ? "[\n" + String.join(" ,\n  ", rows) + "]\n"
                : "\n" + String.join("\n\n", rows));
    }

    @ParameterizedTest
    @ValueSource(strings = {"p.txt", "p.jsonl", "p.json", "-"})
    void reread_rowsThatBeginAlike_areTheSameInTheirOrder(String name) throws IOException {
        Path file = file(name.equals("-") ? "p.jsonl" : name, prompts(20));
        String source = name.equals("-") ? name : file.toString();
        List<Prompt> all = PromptReader.readAll(file.toString(), InputStream.nullInputStream());
        for (boolean blocks : new boolean[]{false, true}) {
            try (InputStream in = Files.newInputStream(file);
                    PromptFile prompts = PromptFile.survey(source, in, blocks, 1, row -> row)) {
                for (int start : blocks ? new int[]{0, 7, 14} : new int[]{0}) {
                    int end = blocks ? Math.min(20, start + 7) : 20;
                    RowOrder order = blocks ? prompts.order().block(start, end) : prompts.order();
                    List<Integer> places = IntStream.range(0, end - start).map(order::row).boxed().toList();
                    assertThat(places.stream().filter(row -> row % 3 == 1)).isSorted();
                    int first = places.stream().filter(row -> row % 3 == 1).findFirst().orElseThrow();
                    int at = places.indexOf(first);
                    assertThat(places.subList(at, at + (end - start) / 3)).allMatch(row -> row % 3 == 1);
                    PromptFile.Rows rows = prompts.reread(start, end);
                    for (int row : places) {
                        assertThat(rows.read(row)).isEqualTo(all.get(row));
                    }
                    rows.end();
                }
            }
        }
    }

    /** Whatever of several rows that begin alike comes first, and whatever has been read of the others. */
    @ParameterizedTest
    @ValueSource(strings = {"p.txt", "p.jsonl", "p.json"})
    void reread_rowsThatBeginAlike_canBeReadInAnyOrder(String name) throws IOException {
        Path file = file(name, IntStream.range(0, 12).mapToObj(row -> ALIKE + row).toList());
        List<Prompt> all = PromptReader.readAll(file.toString(), InputStream.nullInputStream());
        for (int seed = 0; seed < 50; seed++) {
            List<Integer> order = new ArrayList<>(IntStream.range(0, 12).boxed().toList());
            Collections.shuffle(order, new Random(seed));
            try (PromptFile prompts = PromptFile.survey(file.toString(), null, false, 1, row -> row)) {
                PromptFile.Rows rows = prompts.reread(0, 12);
                // a row that is broken is read when it is its turn
                for (int row : order) {
                    if (row != 5 || name.equals("p.txt")) {
                        assertThat(rows.read(row)).as("seed %d", seed).isEqualTo(all.get(row));
                    }
                }
                rows.end();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"p.txt", "p.jsonl", "p.json"})
    void reread_changedRowThatBeginsLikeOthers_isFoundBeforeItIsUsed(String name) throws IOException {
        Path file = file(name, prompts(20));
        String text = Files.readString(file);
        for (String after : List.of(text.replace("prompt 13", "prompt xx"), text.substring(0, text.indexOf("13")),
                text.substring(0, text.indexOf("prompt 10")))) {
            Files.writeString(file, text);
            try (PromptFile prompts = PromptFile.survey(file.toString(), null, false, 1, row -> row)) {
                Files.writeString(file, after);
                PromptFile.Rows rows = prompts.reread(0, 20);
                assertThat(rows.read(0).index()).isZero();
                assertThatThrownBy(() -> rows.read(13)).isInstanceOf(UsageException.class).hasMessageStartingWith(
                        "--prompts " + file + " changed while the job ran, row 13 is not what it was; put back");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"p.txt", "p.jsonl", "p.json"})
    void reread_moreRowsThanBefore_isFoundAtTheEnd(String name) throws IOException {
        Path file = file(name, prompts(20));
        String text = Files.readString(file);
        for (String more : List.of("\n \n", "\n\"one more\"\n")) {
            Files.writeString(file, text);
            try (PromptFile prompts = PromptFile.survey(file.toString(), null, false, 1, row -> row)) {
                Files.writeString(file, name.endsWith(".json") && !more.isBlank()
                        ? text.replaceFirst("]\\s*$", "," + more + "]")
                        : text + more);
                PromptFile.Rows rows = prompts.reread(0, 20);
                IntStream.range(0, 20).map(prompts.order()::row).forEach(rows::read);
                if (more.isBlank()) {
                    rows.end();
                } else {
                    assertThatThrownBy(rows::end).isInstanceOf(UsageException.class).hasMessageStartingWith(
                            "--prompts " + file + " changed while the job ran, it has more rows now; put back");
                }
            }
        }
    }
}
