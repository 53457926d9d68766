package dev.lockstep.batch;

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

import dev.lockstep.generate.FinishReason;
import dev.lockstep.journal.CrashSuspects;
import dev.lockstep.journal.Journal;
import dev.lockstep.journal.JournalFile;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.results.Result;

import static org.assertj.core.api.Assertions.assertThat;

class WorkQueueTest {
    private static final String JOB = "a job";

    @TempDir
    private Path dir;

    private static CrashSuspects.Sample row(int prompt, int sample) {
        return new CrashSuspects.Sample(prompt, sample);
    }

    private Journal journal(int run) throws IOException {
        return new Journal(new JournalFile(dir, 0), JOB, run);
    }

    private static Result result(int prompt, int sample) {
        return new Result(prompt, "id", sample, "p", "t", new int[1], 3, 1, FinishReason.LENGTH, 0, null);
    }

    private WorkQueue queue(int prompts, int ranks, boolean inBlocks, int samples) throws IOException {
        Path file = Files.writeString(dir.resolve("p.txt"), text(prompts));
        return new WorkQueue(PromptFile.survey(file.toString(), null, inBlocks, samples, row -> row), ranks, inBlocks,
                samples, JournalIndex.read(dir, JOB, 10_000));
    }

    private static String text(int prompts) {
        return IntStream.range(0, prompts).mapToObj(i -> "\"prompt " + i + "\"\n").collect(Collectors.joining());
    }

    private static List<String> rows(WorkQueue.Grant grant) {
        List<String> rows = new ArrayList<>();
        for (WorkQueue.Item work : grant.work()) {
            for (int sample = work.from(); sample < work.to(); sample++) {
                rows.add(work.prompt().index() + "." + sample + (work.apart() ? " apart" : "")
                        + (work.prompt().error() != null ? " aside" : ""));
            }
        }
        return rows;
    }

    @Test
    void deal_dynamic_goesToWhoeverComes() throws IOException {
        WorkQueue queue = queue(10, 2, false, 1);
        assertThat(rows(queue.deal(1, 4, 0, false))).containsExactly("0.0", "1.0", "2.0", "3.0");
        assertThat(rows(queue.deal(0, 3, 0, false))).containsExactly("4.0", "5.0", "6.0");
        assertThat(queue.notDealtToOthers()).isEqualTo(6);
        // near the end nothing is kept in stock, and that is not the end yet
        WorkQueue.Grant none = queue.deal(0, 0, 2, false);
        assertThat(none.work()).isEmpty();
        assertThat(none.over()).isFalse();
        WorkQueue.Grant last = queue.deal(1, 5, 0, false);
        assertThat(rows(last)).containsExactly("7.0", "8.0", "9.0");
        assertThat(last.over()).isTrue();
        assertThat(queue.deal(0, 1, 0, false)).isEqualTo(WorkQueue.Grant.last(List.of()));
    }

    @Test
    void deal_farFromTheEnd_givesSomeAhead() throws IOException {
        assertThat(rows(queue(100, 2, false, 1).deal(0, 4, 8, false))).hasSize(12);
    }

    @Test
    void deal_inBlocks_keepsToTheShares() throws IOException {
        for (boolean pipe : new boolean[]{false, true}) {
            WorkQueue queue = pipe
                    ? new WorkQueue(PromptFile.survey("-", stream(2000), true, 1, row -> row), 3, true, 1,
                            JournalIndex.read(dir, JOB, 10_000))
                    : queue(2000, 3, true, 1);
            assertThat(rows(queue.deal(2, 2, 0, false))).containsExactly("1334.0", "1335.0");
            WorkQueue.Grant first = queue.deal(0, 2000, 0, false);
            assertThat(rows(first)).hasSize(667).startsWith("0.0").endsWith("666.0");
            assertThat(first.over()).isTrue();
            assertThat(rows(queue.deal(1, 1, 0, false))).containsExactly("667.0");
        }
    }

    private static ByteArrayInputStream stream(int prompts) {
        return new ByteArrayInputStream(text(prompts).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void deal_samplesOfOnePrompt_goToOneRankUntilAnotherHasNone() throws IOException {
        WorkQueue queue = queue(2, 2, false, 5);
        assertThat(rows(queue.deal(0, 3, 0, false))).containsExactly("0.0", "0.1", "0.2");
        assertThat(rows(queue.deal(1, 2, 0, false))).containsExactly("1.0", "1.1");
        WorkQueue.Grant last = queue.deal(0, 4, 0, false);
        assertThat(rows(last)).containsExactly("0.3", "0.4", "1.3", "1.4");
        assertThat(last.over()).isFalse();
        assertThat(rows(queue.deal(1, 9, 0, false))).containsExactly("1.2");
    }

    @Test
    void deal_rowsThatSayHowManySamples_getSoMany() throws IOException {
        for (boolean pipe : new boolean[]{false, true}) {
            String input = """
                    {"prompt": "a", "num_samples": 3}
                    {"prompt": "b"}
                    {"prompt": "c", "num_samples": 1}
                    """;
            Path file = Files.writeString(dir.resolve("n.jsonl"), input);
            PromptFile prompts = PromptFile.survey(pipe ? "-" : file.toString(),
                    new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), false, 2, row -> row);
            assertThat(prompts.results()).hasValue(6);
            WorkQueue queue = new WorkQueue(prompts, 2, false, 2, JournalIndex.read(dir, JOB, 10_000));
            assertThat(rows(queue.deal(0, 2, 0, false))).containsExactly("0.0", "0.1");
            assertThat(queue.notDealtToOthers()).isEqualTo(6);
            assertThat(rows(queue.deal(1, 3, 0, false))).containsExactly("1.0", "1.1", "2.0");
            WorkQueue.Grant last = queue.deal(0, 2, 0, false);
            assertThat(rows(last)).containsExactly("0.2");
            assertThat(last.over()).isTrue();
            assertThat(queue.prompts()).isEqualTo(3);
            assertThat(IntStream.range(0, 3).map(queue::samples)).containsExactly(3, 2, 1);
        }
    }

    @Test
    void deal_afterADeath_leavesOutTheSamplesThatAreDone() throws IOException {
        Journal journal = journal(1);
        journal.starting(List.of(row(0, 0), row(0, 1), row(0, 2), row(1, 0), row(1, 1)), false);
        journal.add(result(0, 1));
        journal.add(result(1, 0));
        journal.stop();
        Path file = Files.writeString(dir.resolve("n.jsonl"),
                "{\"prompt\": \"a\", \"num_samples\": 3}\n{\"prompt\": \"b\", \"num_samples\": 4}\n");
        WorkQueue queue = new WorkQueue(PromptFile.survey(file.toString(), null, false, 1, row -> row), 1, false, 1,
                JournalIndex.read(dir, JOB, 10_000));
        assertThat(queue.notDealtToOthers()).isEqualTo(5);
        assertThat(rows(queue.deal(0, 9, 0, false))).containsExactly("0.0", "0.2", "1.1", "1.2", "1.3");
    }

    @Test
    void deal_pipe_endsWhereItEnds() throws IOException {
        WorkQueue queue = new WorkQueue(PromptFile.survey("-", stream(1500), false, 1, row -> row), 2, false, 1,
                JournalIndex.read(dir, JOB, 10_000));
        assertThat(rows(queue.deal(0, 1400, 0, false))).hasSize(1400);
        WorkQueue.Grant rest = queue.deal(1, 200, 64, false);
        assertThat(rows(rest)).hasSize(100).endsWith("1499.0");
        assertThat(rest.over()).isTrue();
        assertThat(queue.prompts()).isEqualTo(1500);
    }

    /** Run 1 dies of rows 0 to 4, of which 1 has ended; run 2 of some of them as suspects. */
    @Test
    void deal_afterDeaths_givesSuspectsLastAndApart() throws IOException {
        Journal first = journal(1);
        first.starting(List.of(row(0, 0), row(1, 0), row(2, 0), row(3, 0), row(4, 0)), false);
        first.add(result(1, 0));
        first.flush();
        WorkQueue queue = queue(7, 1, false, 1);
        WorkQueue.Grant others = queue.deal(0, 9, 0, true);
        assertThat(rows(others)).containsExactly("5.0", "6.0");
        assertThat(others.over()).isFalse();
        // something else may still be under way there
        assertThat(queue.deal(0, 9, 0, false)).isEqualTo(WorkQueue.Grant.more(List.of()));
        WorkQueue.Grant apart = queue.deal(0, 1, 0, true);
        assertThat(rows(apart)).containsExactly("0.0 apart", "2.0 apart", "3.0 apart", "4.0 apart");
        assertThat(apart.over()).isTrue();

        // several ranks share them
        WorkQueue shared = queue(7, 2, false, 1);
        assertThat(rows(shared.deal(0, 9, 0, true))).containsExactly("5.0", "6.0");
        assertThat(rows(shared.deal(1, 9, 0, true))).containsExactly("0.0 apart", "2.0 apart");
        assertThat(rows(shared.deal(0, 9, 0, true))).containsExactly("3.0 apart", "4.0 apart");

        Journal second = journal(2);
        second.starting(List.of(row(0, 0), row(2, 0), row(3, 0)), true);
        second.add(result(2, 0));
        second.flush();
        WorkQueue halves = queue(7, 1, false, 1);
        halves.deal(0, 9, 0, true);
        List<String> groups = new ArrayList<>();
        for (WorkQueue.Grant grant; !(grant = halves.deal(0, 9, 0, true)).work().isEmpty();) {
            groups.add(String.join(", ", rows(grant)));
        }
        assertThat(groups).containsExactly("0.0 apart", "3.0 apart", "4.0 apart");

        journal(3).starting(List.of(row(3, 0)), true);
        journal(4).starting(List.of(row(3, 0)), true);
        WorkQueue last = queue(7, 1, false, 1);
        assertThat(rows(last.deal(0, 9, 0, true))).containsExactly("3.0 aside", "5.0", "6.0");
        assertThat(rows(last.deal(0, 9, 0, true))).containsExactly("0.0 apart");
        assertThat(rows(last.deal(0, 9, 0, true))).containsExactly("4.0 apart");
    }
}
