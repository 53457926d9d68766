package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;

/** The job {@code model}, and what becomes of a job whose tokenizer ends the process. */
class ModelIT {
    /** A pattern that matches nothing, but only at the start of texts that begin so: no look at the file tells. */
    private static final String DEADLY = "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(?=In)\"},\"content\":\"x\"}";

    @TempDir
    private Path temp;

    @Test
    void check_goodCheckpoint_saysWhatItIs() {
        Launched.Result result = model(Runs.KJV.toString(), "--check");
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        // counted in Python from the file's header
        assertThat(result.stdout()).isEqualTo(Runs.KJV + ": llama, 6 layers, hidden size 256, vocabulary 4096, "
                + "5,770,496 parameters, bfloat16, context 1024\n"
                + "11.5 MB of weights as BF16 on disk, 11.5 MB as bfloat16 on a GPU, and 3.1 kB for each token of a row\n"
                + "a GPU of 80.0 GB holds it and 1,024 rows of 1,024 tokens, the context\n");
        Launched.Result small = model(Runs.KJV.toString(), "--dtype", "float32", "--gpu-memory", "0.1");
        assertThat(small.stdout().lines().skip(1)).containsExactly(
                "11.5 MB of weights as BF16 on disk, 23.1 MB as float32 on a GPU, and 6.1 kB for each token of a row",
                "a GPU of 100.0 MB holds it and 9 rows of 1,024 tokens, the context");
    }

    @Test
    void check_tokenizerThatEndsTheProcess_isNamed() throws IOException {
        Path directory = deadly();
        Launched.Result result = model(directory.toString(), "--check");
        assertThat(result.stderr())
                .isEqualTo("model: " + directory + ": the process that tried its tokenizer.json died "
                        + "(exit code 134); that file is damaged or malicious: get it again from its source.\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(model(directory.toString()).exitCode()).isZero();
    }

    @Test
    void generate_resumedAfterItsTokenizerEndedIt_saysWhy() throws IOException {
        Path directory = deadly();
        String[] job = {"--model", directory.toString(), "--prompts",
                Files.writeString(temp.resolve("prompts.txt"), "In the beginning\n").toString()};
        assertThat(Runs.generate(1, temp, job).run().exitCode()).isEqualTo(134);
        String[] again = Arrays.copyOf(job, job.length + 1);
        again[job.length] = "--resume";
        Launched.Result resumed = Runs.generate(1, temp, again).run();
        assertThat(resumed.stderr()).startsWith("generate: " + directory + ": the process that tried its tokenizer.json"
                + " died (exit code 134); ");
        assertThat(resumed.exitCode()).isEqualTo(2);
    }

    @Test
    void noCheckpoint_isRefused() {
        Launched.Result result = model("./no-such", "--check");
        assertThat(result.stderr())
                .isEqualTo("model: ./no-such does not exist; a checkpoint is a directory with config.json,"
                        + " tokenizer.json and *.safetensors.\n");
        assertThat(result.exitCode()).isEqualTo(2);
        Launched.Result nothing = model();
        assertThat(nothing.stderr())
                .isEqualTo("model: give one checkpoint: model MODEL [--fetch|--check] [options]\n");
        assertThat(nothing.exitCode()).isEqualTo(2);
    }

    private Path deadly() throws IOException {
        Path directory = Golden.copy(Runs.KJV, temp.resolve("model"));
        ObjectNode tokenizer = (ObjectNode) Runs.json(directory.resolve("tokenizer.json"));
        tokenizer.set("normalizer", Runs.json(DEADLY));
        Files.writeString(directory.resolve("tokenizer.json"), tokenizer.toString());
        return directory;
    }

    private Launched.Result model(String... words) {
        String[] all = new String[words.length + 2];
        all[0] = "-q";
        all[1] = "model";
        System.arraycopy(words, 0, all, 2, words.length);
        return Launched.mpjrun(all).in(temp).run();
    }
}
