package dev.lockstep.prompts;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.host.UsageException;

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
}
