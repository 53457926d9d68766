package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.signal;
import static dev.lockstep.fixtures.Runs.field;
import static org.assertj.core.api.Assertions.assertThat;

/** {@code generate} whose ranks die and are started again: the results are those of a run that nothing disturbed. */
class GenerateRestartIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path temp;

    private Launched.Command generate(String restarts, String... options) {
        List<String> words = new ArrayList<>(
                List.of("-np", "2", "-q", "--device", "cpu", "--max-restarts", restarts, "generate"));
        words.addAll(Arrays.asList(options));
        return Launched.mpjrun(words.toArray(String[]::new)).in(temp);
    }

    @Test
    @LongRun
    void rankKilled_goesOnByItself() throws IOException {
        Files.write(temp.resolve("p.jsonl"),
                IntStream.range(0, 30).mapToObj(i -> "{\"prompt\": \"In the beginning " + i + "\"}").toList());
        String[] job = {"--prompts", "p.jsonl", "--temperature", "0.9", "--max-new-tokens", "240", "--ignore-eos",
                "--batch-size", "4"};
        Runs.succeed(2, temp, with(job, "--output", "whole.jsonl"));
        try (Launched launched = generate("2", with(job, "--output", "r.jsonl", "--report", "r.json")).start()) {
            kill(launched, 1, 0);
            kill(launched, 0, 1);
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stderr()).containsSubsequence("rank 1 on host ",
                    "killed by signal 9 (SIGKILL); restart 1 of 2",
                    "generate: after restart 1: ", " rows were finished before\n", "rank 0 on host ",
                    "killed by signal 9 (SIGKILL); restart 2 of 2", "generate: after restart 2: ");
            assertThat(result.stdout()).hasLineCount(1).contains(", num_prompts 30");
        }
        assertThat(withoutRank("r.jsonl")).isEqualTo(withoutRank("whole.jsonl")).hasSize(30);
        assertThat(temp.resolve("r.jsonl.journal")).doesNotExist();
        JsonNode report = Runs.json(temp.resolve("r.json"));
        assertThat(report.get("restarts").asInt()).isEqualTo(2);
        assertThat(report.get("deaths")).hasSize(2);
        assertThat(report.get("deaths").get(0).asText()).startsWith("rank 1 on host ")
                .endsWith("killed by signal 9 (SIGKILL)");
        assertThat(report.get("deaths").get(1).asText()).startsWith("rank 0 on host ");
    }

    /** Kills a rank once its process of that restart has begun with rows and some row is done since. */
    private void kill(Launched launched, int rank, int restart) {
        awaitTrue(LIMIT, () -> {
            assertThat(launched.launcher().isAlive()).as(launched.stderr()).isTrue();
            String marker = "\"run\":" + (restart + 1) + ",\"job\"";
            String journal = read(temp.resolve("r.jsonl.journal/rank-" + rank + ".jsonl"));
            int begin = journal.indexOf(marker);
            return begin >= 0 && journal.indexOf("{\"index\":", begin) >= 0;
        });
        signal(process(launched, rank, restart), "KILL");
    }

    private static ProcessHandle process(Launched launched, int rank, int restart) {
        return launched.ranks().stream()
                .filter(each -> Launched.environment(each).contains("LOCKSTEP_RANK=" + rank + "\0")
                        && Launched.environment(each).contains("LOCKSTEP_RESTART=" + restart + "\0"))
                .findFirst().orElseThrow();
    }

    /** Ranks die of one row, which takes so long that they can be killed at it. */
    @Test
    @LongRun
    void rowThatRanksDieOf_isSetAsideAndNoOther() throws IOException {
        Files.write(temp.resolve("p.jsonl"), IntStream.range(0, 8).mapToObj(
                i -> "{\"prompt\": \"In the beginning\", \"max_tokens\": " + (i == 5 ? 1000 : 4) + "}").toList());
        String[] job = {"--prompts", "p.jsonl", "--greedy", "--ignore-eos"};
        Runs.succeed(2, temp, with(job, "--output", "whole.jsonl"));
        try (Launched launched = generate("4", with(job, "--output", "r.jsonl")).start()) {
            for (int restart = 0; restart < 4; restart++) {
                int run = restart + 1;
                OptionalInt[] rank = {OptionalInt.empty()};
                awaitTrue(LIMIT, () -> {
                    assertThat(launched.launcher().isAlive()).as(launched.stderr()).isTrue();
                    rank[0] = IntStream.range(0, 2).filter(each -> isAtRow(5, each, run)).findFirst();
                    return rank[0].isPresent();
                });
                signal(process(launched, rank[0].getAsInt(), restart), "KILL");
            }
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isEqualTo(3);
            assertThat(result.stderr()).contains("restart 4 of 4").endsWith(
                    "generate: 1 of 8 rows failed: the row is set aside: its rank died 4 times while it was under way, "
                            + "the last time with no other row beside it\n");
        }
        List<String> rows = withoutRank("r.jsonl");
        List<String> whole = withoutRank("whole.jsonl");
        assertThat(field(Runs.rows(temp.resolve("r.jsonl")), "finish_reason").get(5)).isEqualTo("error");
        assertThat(without5(rows)).isEqualTo(without5(whole)).hasSize(7);
    }

    /** The same of two ranks that compute the model together, where it is the second that dies each time. */
    @Test
    @LongRun
    void rowThatATeamsSecondRankDiesOf_isSetAside() throws IOException {
        Files.write(temp.resolve("p.jsonl"), IntStream.range(0, 4).mapToObj(
                i -> "{\"prompt\": \"In the beginning\", \"max_tokens\": " + (i == 2 ? 1000 : 4) + "}").toList());
        try (Launched launched = generate("4", "--prompts", "p.jsonl", "--greedy", "--ignore-eos", "--tensor-parallel",
                "2", "--output", "r.jsonl").start()) {
            for (int restart = 0; restart < 4; restart++) {
                int run = restart + 1;
                awaitTrue(LIMIT, () -> {
                    assertThat(launched.launcher().isAlive()).as(launched.stderr()).isTrue();
                    return isAtRow(2, 1, run);
                });
                signal(process(launched, 1, restart), "KILL");
            }
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isEqualTo(3);
            assertThat(result.stderr()).endsWith("generate: 1 of 4 rows failed: the row is set aside: its rank died 4"
                    + " times while it was under way, the last time with no other row beside it\n");
        }
        List<String> reasons = field(Runs.rows(temp.resolve("r.jsonl")), "finish_reason");
        assertThat(reasons).hasSize(4);
        assertThat(reasons.get(2)).isEqualTo("error");
        assertThat(reasons.stream().filter("length"::equals)).hasSize(3);
    }

    @Test
    void olderJournalWithoutRows_isNotTakenForThisJobs() throws IOException {
        Files.writeString(temp.resolve("p.jsonl"), "{\"prompt\": \"In the beginning\"}\n".repeat(4));
        String[] job = {"--prompts", "p.jsonl", "--greedy", "--max-new-tokens", "4", "--output", "r.jsonl"};
        Path journal = Files.createDirectories(temp.resolve("r.jsonl.journal"));
        Files.writeString(journal.resolve("job.json"), "{}");
        Files.writeString(journal.resolve("rank-0.jsonl"), "{\"run\":1,\"job\":\"of another\"}\n");
        try (Launched launched = generate("1", job).start()) {
            // before the ranks have come to the journal
            awaitTrue(LIMIT, () -> launched.ranks().stream()
                    .anyMatch(each -> Launched.environment(each).contains("LOCKSTEP_RANK=1\0")));
            signal(process(launched, 1, 0), "KILL");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stderr()).contains("restart 1 of 1").doesNotContain("generate:");
        }
        assertThat(Runs.rows(temp.resolve("r.jsonl"))).hasSize(4);
    }

    @Test
    void promptsFromStdin_cannotBeReadAgain() throws IOException {
        try (Launched launched = generate("1", "--prompts", "-", "--greedy", "--ignore-eos", "--max-new-tokens", "900",
                "--output", "r.jsonl").input("{\"prompt\": \"In the beginning\"}\n".repeat(20)).start()) {
            awaitTrue(LIMIT, () -> read(temp.resolve("r.jsonl.journal/rank-1.jsonl")).contains("\"start\""));
            signal(process(launched, 1, 0), "KILL");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).isEqualTo(2);
            assertThat(result.stderr()).contains("restart 1 of 1").contains(
                    "generate: --prompts -: ranks that are started again cannot read stdin again: give the same prompts "
                            + "once more, with --resume, or as a file\n");
        }
    }

    private boolean isAtRow(int row, int rank, int run) {
        return read(temp.resolve("r.jsonl.journal/rank-" + rank + ".jsonl")).lines().anyMatch(
                line -> line.matches("\\{\"start\":\\[(\\d+,0,)*" + row + ",0(,\\d+,0)*\\],\"run\":" + run + ",.*"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private List<String> withoutRank(String file) {
        return Runs.lines(temp.resolve(file)).stream().map(line -> line.replaceFirst("\"rank\":\\d+", "")).toList();
    }

    private static List<String> without5(List<String> rows) {
        return Stream.concat(rows.subList(0, 5).stream(), rows.subList(6, rows.size()).stream()).toList();
    }

    private static String[] with(String[] job, String... more) {
        return Stream.concat(Arrays.stream(job), Arrays.stream(more)).toArray(String[]::new);
    }
}
