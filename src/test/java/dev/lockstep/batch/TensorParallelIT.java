package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Launched.awaitTrue;
import static org.assertj.core.api.Assertions.assertThat;

/** Jobs whose ranks compute the model together, against the same jobs by ranks that each have all of it. */
class TensorParallelIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path temp;

    /** Chosen at random, in few slots, so that what slots are refilled with when is different on each rank's clock. */
    @ParameterizedTest
    @LongRun(butFor = 2)
    @CsvSource({"2, 2, dynamic, 0", "4, 2, dynamic, 0 2", "4, 2, block, 0 2", "4, 4, dynamic, 0"})
    void generate_anyRanks_givesTheResultsOfOne(int ranks, int together, String split, String writers)
            throws IOException {
        Runs.prompts(temp.resolve("few.jsonl"), Runs.firstLines().subList(0, 24));
        String[] job = {"--prompts", "few.jsonl", "--temperature", "0.9", "--num-samples", "2", "--batch-size", "7",
                "--max-new-tokens", "6",
                "--repetition-penalty", "1.1", "--logprobs", "1", "--split", split};
        Runs.succeed(1, temp, with(job, "--output", "whole.jsonl"));
        Launched.Result result = Runs.succeed(ranks, temp, with(job, "--output", "r.jsonl", "--report", "r.json",
                "--tensor-parallel", Integer.toString(together)));
        List<JsonNode> whole = Runs.rows(temp.resolve("whole.jsonl"));
        List<JsonNode> rows = Runs.rows(temp.resolve("r.jsonl"));
        for (String field : List.of("index", "sample", "text", "prompt_tokens", "finish_reason")) {
            assertThat(Runs.field(rows, field)).isEqualTo(Runs.field(whole, field)).hasSize(48);
        }
        Set<String> wrote = new TreeSet<>(Runs.field(rows, "rank"));
        assertThat(String.join(" ", wrote)).isEqualTo(writers);
        JsonNode report = Runs.json(temp.resolve("r.json"));
        assertThat(report.get("world_size").asInt()).isEqualTo(ranks);
        assertThat(report.get("tensor_parallel").asInt()).isEqualTo(together);
        List<JsonNode> shown = new ArrayList<>();
        report.get("ranks").forEach(shown::add);
        assertThat(String.join(" ", Runs.field(shown, "rank"))).isEqualTo(writers);
        long tokens = Runs.sum(rows, "completion_tokens");
        assertThat(report.get("tokens").asLong()).isEqualTo(tokens).isEqualTo(Runs.sum(shown, "tokens"));
        assertThat(result.stdout()).contains(", num_tokens " + tokens + ", num_prompts 24\n");
    }

    /** The second of two, which keeps no results. */
    @Test
    @LongRun
    void rank_killed_isNamedAndTheJobGoesOnByOthers() throws IOException {
        String[] job = {"--temperature", "0.9", "--max-new-tokens", "30", "--ignore-eos", "--batch-size", "5",
                "--output"};
        Runs.succeed(1, temp, with(job, "whole.jsonl"));
        try (Launched launched = Runs.generate(2, temp, with(job, "r.jsonl", "--tensor-parallel", "2")).start()) {
            Path journal = temp.resolve("r.jsonl.journal");
            awaitTrue(LIMIT, () -> Files.exists(journal.resolve("rank-0.jsonl"))
                    && Runs.lines(journal.resolve("rank-0.jsonl")).stream()
                            .filter(line -> line.startsWith("{\"index\"")).count() >= 10);
            Launched.Result result = launched.killRank(1, 2);
            assertThat(result.stderr()).matches("mpjrun: rank 1 on host \\S+ failed first: killed by signal 9"
                    + " \\(SIGKILL\\)\n(mpjrun: at least \\d+ of 100 rows are kept in [^\n]+\n)?");
            assertThat(Runs.lines(journal.resolve("rank-1.jsonl"))).anyMatch(line -> line.startsWith("{\"end\""))
                    .noneMatch(line -> line.startsWith("{\"index\""));
        }
        Launched.Result result = Runs.generate(4, temp, with(job, "r.jsonl", "--tensor-parallel", "4", "--resume"))
                .run();
        assertThat(result.stderr()).matches("generate: --resume: \\d\\d rows were finished before\n");
        assertThat(result.exitCode()).isZero();
        assertThat(withoutRank("r.jsonl")).isEqualTo(withoutRank("whole.jsonl")).hasSize(100);
        assertThat(temp.resolve("r.jsonl.journal")).doesNotExist();
    }

    /** While the first rank of the second two waits for rows, and the other for what it says, nobody hangs. */
    @Test
    @LongRun
    void pipe_thatIsIdleForLong_isNoHang() throws IOException, InterruptedException {
        GenerateInputIT.assertIdlePipeIsWaitedFor(temp, 4, "--tensor-parallel", "2");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "3 | --tensor-parallel 2 | --tensor-parallel 2 takes ranks by 2, and there are 3 ranks: give -np a multiple of 2",
            "1 | --tensor-parallel 2 | --tensor-parallel 2 takes ranks by 2, and there is 1 rank: give -np a multiple of 2",
            "2 | --tensor-parallel 0 | --tensor-parallel must be 1 or more, not 0"})
    void number_thatDoesNotFit_isRefused(int ranks, String options, String sentence) {
        assertRefused(Runs.generate(ranks, temp, options.split(" ")).run(), sentence);
    }

    @Test
    void model_thatCannotBeDivided_isRefused() {
        String model = Golden.copyWithTokenizer("llama-gqa", temp).toString();
        assertRefused(Runs.generate(3, temp, "--model", model, "--tensor-parallel", "3").run(),
                "this llama cannot be computed by 3 ranks together, among whom its 4 attention heads cannot be divided;"
                        + " give --tensor-parallel a smaller number.");
    }

    private void assertRefused(Launched.Result result, String sentence) {
        assertThat(result.stderr()).isEqualTo("generate: " + sentence + "\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(temp.resolve("results.jsonl")).doesNotExist();
    }

    private List<String> withoutRank(String file) {
        return Runs.lines(temp.resolve(file)).stream().map(line -> line.replaceAll("\"rank\":\\d+", "")).toList();
    }

    private static String[] with(String[] job, String... more) {
        return Stream.concat(Stream.of(job), Stream.of(more)).toArray(String[]::new);
    }
}
