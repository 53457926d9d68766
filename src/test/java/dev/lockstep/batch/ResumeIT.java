package dev.lockstep.batch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Launched.awaitGone;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.signal;
import static dev.lockstep.fixtures.Runs.field;
import static org.assertj.core.api.Assertions.assertThat;

/** Jobs that die and go on. */
class ResumeIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path temp;

    @Test
    void jobKilled_goesOnWithOtherRanksToTheSameFile() throws IOException {
        // some rows say how many samples they want, and there are 20 in all
        List<String> more = List.of("", ", \"num_samples\": 3", ", \"num_samples\": 1", "", ", \"num_samples\": 4", "",
                ", \"num_samples\": 3", ", \"num_samples\": 1", "");
        Files.write(temp.resolve("p.jsonl"), more.stream().map(n -> "{\"prompt\": \"In the\"" + n + "}").toList());
        String[] job = {"--prompts", "p.jsonl", "--temperature", "0.9", "--max-new-tokens", "100", "--ignore-eos",
                "--batch-size", "4", "--num-samples", "2", "--output"};
        Runs.succeed(1, temp, with(job, "whole.jsonl"));
        List<JsonNode> whole = Runs.rows(temp.resolve("whole.jsonl"));
        assertThat(field(whole, "index")).containsExactly("0", "0", "1", "1", "1", "2", "3", "3", "4", "4", "4", "4",
                "5", "5", "6", "6", "6", "7", "8", "8");
        assertThat(field(whole, "sample")).containsExactly("0", "1", "0", "1", "2", "0", "0", "1", "0", "1", "2", "3",
                "0", "1", "0", "1", "2", "0", "0", "1");
        assertThat(field(whole, "text")).doesNotHaveDuplicates();
        try (Launched launched = Runs.generate(2, temp, with(job, "r.jsonl")).start()) {
            awaitTrue(LIMIT, () -> results("r.jsonl.journal").size() >= 6);
            List<ProcessHandle> all = new ArrayList<>(launched.ranks());
            all.add(launched.launcher());
            all.forEach(process -> signal(process, "KILL"));
            awaitGone(LIMIT, all);
        }
        assertThat(temp.resolve("r.jsonl")).doesNotExist();
        int kept = results("r.jsonl.journal").size();
        assertThat(kept).isBetween(6, 19);
        Files.writeString(temp.resolve("r.jsonl.journal/rank-0.jsonl"), "{\"index\":8,\"id\":\"8\",\"te",
                StandardOpenOption.APPEND);

        refused("--output r.jsonl: r.jsonl.journal holds rows of a run that did not finish; add --resume to continue it, or remove that directory to start over",
                with(job, "r.jsonl"));
        refused("--resume: r.jsonl.journal belongs to another job: the sampling options are different; run the same job again, "
                + "or name another --output", with(job, "r.jsonl", "--resume", "--seed", "1"));

        Launched.Result result = Runs.generate(3, temp, with(job, "r.jsonl", "--resume")).run();
        assertThat(result.stderr()).isEqualTo("generate: --resume: " + kept + " rows were finished before\n");
        assertThat(result.exitCode()).isZero();
        assertThat(result.stdout()).contains(", num_tokens " + (20 - kept) * 100 + ", num_prompts 9\n");
        assertThat(withoutRank("r.jsonl")).isEqualTo(withoutRank("whole.jsonl")).hasSize(20);
        assertThat(temp.resolve("r.jsonl.journal")).doesNotExist();
    }

    /** Ranks die of one row, which takes so long that they can be killed at it, and of no other. */
    @Test
    @LongRun
    void rowThatRanksDieOf_isSetAsideAndNoOther() throws IOException {
        List<String> prompts = IntStream.range(0, 8).mapToObj(i -> "{\"prompt\": \"In the beginning\", \"max_tokens\": "
                + (i == 5 ? 1000 : 4) + "}").toList();
        Files.write(temp.resolve("p.jsonl"), prompts);
        String[] job = {"--prompts", "p.jsonl", "--greedy", "--ignore-eos", "--output", "r.jsonl", "--resume"};
        for (int run = 1; run <= 4; run++) {
            dieOfRow5(run, job);
        }
        Launched.Result result = Runs.generate(1, temp, job).run();
        assertThat(result.stderr())
                .endsWith(
                        "generate: 1 of 8 rows failed: the row is set aside: its rank died 4 times while it was under way, the last time with no other row beside it\n");
        assertThat(result.exitCode()).isEqualTo(3);
        List<JsonNode> rows = Runs.rows(temp.resolve("r.jsonl"));
        assertThat(field(rows, "finish_reason")).containsExactly("length", "length", "length", "length", "length",
                "error", "length", "length");
        assertThat(rows.get(5).get("prompt").asText()).isEqualTo("In the beginning");
    }

    private void dieOfRow5(int run, String... job) {
        try (Launched launched = Runs.generate(2, temp, job).start()) {
            int[] rank = {-1};
            awaitTrue(LIMIT, () -> {
                assertThat(launched.launcher().isAlive()).as(launched.stderr()).isTrue();
                rank[0] = IntStream.range(0, 2).filter(each -> isAtRow5(each, run)).findFirst().orElse(-1);
                return rank[0] >= 0;
            });
            signal(launched.ranks().stream().filter(process -> rankOf(process) == rank[0]).findFirst().orElseThrow(),
                    "KILL");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).isEqualTo(137);
            assertThat(result.stderr()).contains("mpjrun: rank " + rank[0] + " on host ");
        }
    }

    private boolean isAtRow5(int rank, int run) {
        String journal = read(temp.resolve("r.jsonl.journal/rank-" + rank + ".jsonl"));
        return journal.lines().anyMatch(
                line -> line.matches("\\{\"start\":\\[(\\d+,0,)*5,0(,\\d+,0)*\\],\"run\":" + run + ",.*"));
    }

    private static int rankOf(ProcessHandle process) {
        String variables = read(Path.of("/proc/" + process.pid() + "/environ"));
        return Integer.parseInt(variables.replaceAll("(?s).*LOCKSTEP_RANK=(\\d+).*", "$1"));
    }

    /** More rows than are looked at beforehand, through real pipes. */
    @Test
    void pipe_ofManyRows_comesOutInOrder() {
        String command = "seq 1500 | sed 's/.*77$/{\"prompt\": \"And\", \"id\": \"&\", \"num_samples\": 2}/; t; "
                + "s/.*/{\"prompt\": \"And\", \"id\": \"&\"}/' | '"
                + Launched.HOME.resolve("launch/mpjrun.sh") + "' -q -np 2 --device cpu generate --prompts - --output - "
                + "--max-new-tokens 1 --greedy | cat";
        Launched.Result result = Launched.script(Path.of("/bin/bash"), "-c", command).in(temp).run();
        assertThat(result.stderr()).isEmpty();
        List<JsonNode> rows = result.lines().subList(0, 1515).stream().map(Runs::json).toList();
        assertThat(field(rows, "id")).isEqualTo(IntStream.rangeClosed(1, 1500).boxed()
                .flatMap(id -> Stream.generate(id::toString).limit(id % 100 == 77 ? 2 : 1)).toList());
        assertThat(field(rows, "rank")).contains("0", "1");
        assertThat(result.lines().get(1515)).endsWith(", num_tokens 1515, num_prompts 1500");
        assertThat(temp).isEmptyDirectory();
    }

    private void refused(String sentence, String... options) {
        Launched.Result result = Runs.generate(2, temp, options).run();
        assertThat(result.stderr()).isEqualTo("generate: " + sentence + "\n");
        assertThat(result.exitCode()).isEqualTo(2);
    }

    /** Results in the journals of a directory, whole lines only. */
    private List<String> results(String directory) {
        return IntStream.range(0, 3).mapToObj(rank -> read(temp.resolve(directory + "/rank-" + rank + ".jsonl")))
                .flatMap(text -> text.substring(0, text.lastIndexOf('\n') + 1).lines())
                .filter(line -> line.startsWith("{\"index\"")).toList();
    }

    private List<String> withoutRank(String file) {
        return Runs.lines(temp.resolve(file)).stream().map(line -> line.replaceAll("\"rank\":\\d+", "")).toList();
    }

    private static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String[] with(String[] job, String... more) {
        return Stream.concat(Stream.of(job), Stream.of(more)).toArray(String[]::new);
    }
}
