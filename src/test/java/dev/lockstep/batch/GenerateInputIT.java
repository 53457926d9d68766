package dev.lockstep.batch;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Runs.field;
import static dev.lockstep.fixtures.Runs.rows;
import static org.assertj.core.api.Assertions.assertThat;

/** Input that cannot be used: one sentence for the user, whichever rank finds it, and the exit code of scripts. */
class GenerateInputIT {
    @TempDir
    private Path temp;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --model ./no-such              | generate: ./no-such does not exist; a checkpoint is a directory with config.json, tokenizer.json and *.safetensors.
            --prompts nowhere.jsonl        | generate: --prompts nowhere.jsonl: there is no such file
            --bogus                        | generate: --bogus is not an option of generate; see generate --help
            --resume --output -            | generate: --resume needs results in a file; give --output F
            --temperature abc              | generate: --temperature takes a number, not abc
            """)
    void refused_beforeItStarts(String options, String sentence) {
        refused(sentence, options.split(" "));
    }

    @ParameterizedTest
    @CsvSource({"0", "abc"})
    void numberOfRanks_refusedByTheLauncher(String ranks) {
        Launched.Result result = Launched.mpjrun("-np", ranks, "generate").in(temp).run();
        assertRefused(result, "mpjrun: -np " + ranks + ": the number of ranks must be a whole number, 1 or more");
    }

    @Test
    void outputInNoDirectory() {
        Path target = temp.resolve("none/results.jsonl");
        refused("generate: --output " + target + ": there is no directory " + target.getParent()
                + "; create it first", "--output", target.toString());
        assertThat(temp).isEmptyDirectory();
    }

    @Test
    void weights_halfAFile() throws IOException {
        Path weights = Golden.copy(Runs.KJV, temp.resolve("half")).resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(whole, whole.length / 2));
        Launched.Result result = Runs.generate(2, temp, "--model", "half").run();
        assertThat(result.stderr()).matches("generate: half/model\\.safetensors: tensor \\S+ ends at byte \\d+ but "
                + "the file has " + whole.length / 2 + " bytes: it is truncated\\.\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
    }

    @Test
    void model_withoutTokenizer() throws IOException {
        Files.delete(Golden.copy(Runs.KJV, temp.resolve("mute")).resolve("tokenizer.json"));
        refused("generate: mute/tokenizer.json does not exist; it is the only form of tokenizer that is supported.",
                "--model", "mute");
    }

    @Test
    void brokenLine_isARowOfItsOwn() throws IOException {
        Files.write(temp.resolve("prompts.jsonl"),
                List.of("{\"prompt\": \"In the beginning\"}", "{\"prompt\": broken", "{\"prompt\": \"And\"}"));
        List<JsonNode> rows = someFailed("1 of 3 rows failed: line 2: not valid JSON in column 12: "
                + "Unrecognized token 'broken'", 3);
        checkFailed(rows.get(1), 0, "line 2: not valid JSON in column 12: Unrecognized token 'broken'");
        assertThat(field(rows, "completion_tokens")).containsExactly("5", "0", "5");
        assertThat(field(rows, "rank")).containsExactly("0", "0", "1");
    }

    @Test
    void promptLongerThanTheContext_isARowOfItsOwn() {
        String text = "the ".repeat(1100).strip();
        Runs.prompts(temp.resolve("prompts.jsonl"), List.of(text, "In the beginning", "And"));
        List<JsonNode> rows = someFailed("1 of 3 rows failed: the prompt has 1102 tokens, and the model's context of "
                + "1024 leaves no room for a new one", 3);
        checkFailed(rows.get(0), 1102,
                "the prompt has 1102 tokens, and the model's context of 1024 leaves no room for a new one");
        assertThat(rows.get(0).get("prompt").asText()).isEqualTo(text);
        assertThat(field(rows, "completion_tokens")).containsExactly("0", "5", "5");
    }

    @Test
    void help_isPrintedOnce() {
        Launched.Result result = Runs.succeed(3, temp, "--help");
        assertThat(result.lines().stream().filter(line -> line.startsWith("Usage: "))).hasSize(1);
        assertThat(result.stdout()).isEqualTo(GenerateOptions.parse("--help").usage());
        assertThat(temp).isEmptyDirectory();
    }

    /** After its first rows; a rank that waits for rows, and one that waits for the pipe, are no ranks that hang. */
    @Test
    void pipe_thatGivesNothingForLongerThanRanksMayBeSilent_isWaitedFor() throws Exception {
        assertIdlePipeIsWaitedFor(temp, 2);
    }

    /** 1,100 rows come, then for longer than ranks may be silent nothing, then one more. */
    static void assertIdlePipeIsWaitedFor(Path temp, int ranks, String... options)
            throws IOException, InterruptedException {
        Path pipe = temp.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        String row = "{\"prompt\": \"In the beginning\"}\n";
        List<String> command = new ArrayList<>(List.of("-np", Integer.toString(ranks), "-q", "--device", "cpu",
                "--timeout-collective", "6", "generate", "--prompts", pipe.toString(), "--max-new-tokens", "2"));
        command.addAll(List.of(options));
        try (Launched launched = Launched.mpjrun(command.toArray(String[]::new)).in(temp).start()) {
            try (OutputStream out = Files.newOutputStream(pipe)) {
                out.write(row.repeat(1100).getBytes(StandardCharsets.US_ASCII));
                out.flush();
                // longer than the limit
                assertThat(new ProcessBuilder("sleep", "9").start().waitFor()).isZero();
                out.write(row.getBytes(StandardCharsets.US_ASCII));
            }
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(rows(temp.resolve("results.jsonl"))).hasSize(1101);
        }
    }

    private void refused(String sentence, String... options) {
        assertRefused(Runs.generate(2, temp, options).run(), sentence);
        assertThat(temp.resolve("results.jsonl")).doesNotExist();
    }

    private static void assertRefused(Launched.Result result, String sentence) {
        assertThat(result.stderr()).isEqualTo(sentence + "\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
    }

    /** Runs prompts.jsonl to an end with failed rows. */
    private List<JsonNode> someFailed(String summary, int prompts) {
        Launched.Result result = Runs.generate(2, temp, "--prompts", "prompts.jsonl", "--max-new-tokens", "5",
                "--ignore-eos", "--split", "block").run();
        assertThat(result.stderr()).isEqualTo("generate: " + summary + "\n");
        assertThat(result.exitCode()).isEqualTo(3);
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertThat(rows).hasSize(prompts);
        assertThat(result.lines()).hasSize(1);
        assertThat(result.stdout()).endsWith(
                ", num_tokens " + Runs.sum(rows, "completion_tokens") + ", num_prompts " + prompts + "\n");
        assertThat(rows.stream().filter(row -> row.has("error"))).hasSize(1);
        return rows;
    }

    private static void checkFailed(JsonNode row, int promptTokens, String error) {
        assertThat(row.get("error").asText()).isEqualTo(error);
        assertThat(row.get("finish_reason").asText()).isEqualTo("error");
        assertThat(row.get("text").asText()).isEmpty();
        assertThat(row.get("token_ids")).isEmpty();
        assertThat(row.get("prompt_tokens").asInt()).isEqualTo(promptTokens);
    }
}
