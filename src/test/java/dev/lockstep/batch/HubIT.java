package dev.lockstep.batch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.FakeHub;
import dev.lockstep.fixtures.FakeHub.Asked;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;

/** Jobs with a model's name, and a hub that gives it. */
class HubIT {
    private static final String ID = "org/kjv";
    private static final String[] SHORT = {"--max-new-tokens", "5", "--greedy"};

    @TempDir
    private Path temp;

    private final FakeHub server = new FakeHub();

    @AfterEach
    void stop() {
        server.close();
    }

    private Launched.Command generate(int ranks, String... options) {
        String[] all = Stream.concat(Stream.of(SHORT), Stream.of(options)).toArray(String[]::new);
        return withHub(Runs.generate(ranks, temp, all));
    }

    private Launched.Command withHub(Launched.Command command) {
        return command.env("HF_HOME", temp.resolve("hf").toString()).env("HF_ENDPOINT", server.endpoint())
                .env("HF_HUB_OFFLINE", null).env("TRANSFORMERS_OFFLINE", null).env("HF_TOKEN", null);
    }

    private List<Asked> elsewhere() {
        return server.asked().stream().filter(Asked::elsewhere).toList();
    }

    private static void assertGood(Launched.Result result) {
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
    }

    private static void assertRefused(Launched.Result result, String sentence) {
        assertThat(result.stderr()).isEqualTo(sentence + "\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
    }

    @Test
    void generate_name_isDownloadedOnceAndFoundAgain() {
        server.add(ID, Runs.KJV);
        assertGood(generate(2, "--model", Runs.KJV.toString(), "--output", "directory.jsonl").run());
        assertGood(generate(2, "--model", ID, "--output", "cold.jsonl", "--manifest", "m.json").run());
        assertThat(elsewhere()).hasSize(1);
        assertThat(Runs.json(temp.resolve("m.json")).at("/model/files/model.safetensors").asText()).isNotEmpty();
        int requests = server.asked().size();
        assertGood(generate(2, "--model", ID, "--output", "warm.jsonl").run());
        assertThat(server.asked()).hasSize(requests);
        server.close();
        assertGood(generate(1, "--model", ID, "--output", "offline.jsonl").env("HF_HUB_OFFLINE", "1").run());
        // which rank did a row depends on which was faster
        for (String output : List.of("cold.jsonl", "warm.jsonl", "offline.jsonl")) {
            for (String field : List.of("index", "text", "token_ids", "prompt_tokens", "finish_reason")) {
                assertThat(Runs.field(Runs.rows(temp.resolve(output)), field)).as("%s of %s", field, output)
                        .isEqualTo(Runs.field(Runs.rows(temp.resolve("directory.jsonl")), field));
            }
        }
    }

    @Test
    @LongRun
    void generate_killedWhileItDownloads_goesOnFromThere() throws IOException {
        server.add(ID, Runs.KJV);
        server.slow(4_000_000);
        byte[] weights = Files.readAllBytes(Runs.KJV.resolve("model.safetensors"));
        Path part = temp.resolve("hf/hub/models--org--kjv/blobs/" + FakeHub.sha256(weights) + ".incomplete");
        try (Launched launched = generate(2, "--model", ID).start()) {
            Launched.awaitTrue(Duration.ofSeconds(60), () -> part.toFile().length() > 1_000_000);
            launched.killLauncher(2);
        }
        long kept = Files.size(part);
        server.slow(Long.MAX_VALUE);
        assertGood(generate(2, "--model", ID).run());
        assertThat(elsewhere()).extracting(Asked::range).containsExactly("", "bytes=" + kept + "-");
    }

    @Test
    void generate_download_isToldInTheLaunchersLine() {
        server.add(ID, Runs.KJV);
        Launched.Result result = withHub(Launched.mpjrun("-np", "2", "--device", "cpu", "generate", "--model", ID,
                "--max-new-tokens", "5").in(temp)).run();
        assertThat(result.stderr()).contains("generate: downloading org/kjv: 4 files, 268.9 kB into "
                + temp.resolve("hf/hub") + "\ngenerate: downloading org/kjv: 1 file, 11.5 MB into "
                + temp.resolve("hf/hub") + "\ngenerate: loading org/kjv on 2 ranks (cpu)\n");
        assertThat(result.exitCode()).isZero();
    }

    @Test
    void fetch_onATerminal_showsHowFarItIs() {
        server.add(ID, Runs.KJV);
        server.slow(6_000_000);
        Launched.Result result = withHub(Launched.script(Path.of("script"), "-qec",
                Launched.HOME.resolve("launch/mpjrun.sh") + " model " + ID + " --fetch", "/dev/null").in(temp)).run();
        assertThat(result.stdout().split("\r\u001b\\[K")).anySatisfy(line -> assertThat(line)
                .matches("model: downloading org/kjv: [\\d.]+ MB of 11\\.5 MB, [\\d.]+ MB/s, \\d s left"));
        assertThat(result.exitCode()).isZero();
    }

    @Test
    void generate_nameThatIsWrong_isOneSentence() {
        assertRefused(generate(2, "--model", "org/kjw", "--prompts", "nowhere.jsonl").run(),
                "generate: org/kjw is neither a directory here nor a model on " + server.endpoint()
                        + ", or a private one: check the name; for a private model give a token in HF_TOKEN");
        assertRefused(generate(2, "--model", "kjv").env("HF_HUB_OFFLINE", "1").run(),
                "generate: kjv is neither a directory here nor in the cache " + temp.resolve("hf/hub")
                        + ", and HF_HUB_OFFLINE is set, so nothing is downloaded");
    }

    @Test
    void generate_modelThatIsNotComputedHere_isNotDownloaded() {
        server.add(ID, Map.of("config.json", "{\"model_type\":\"mamba\"}".getBytes(StandardCharsets.UTF_8),
                "model.safetensors", new byte[100]));
        Launched.Result result = generate(2, "--model", ID).run();
        assertThat(result.stderr()).matches("generate: \\S+/config\\.json: .*mamba.*\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(elsewhere()).isEmpty();
    }

    @Test
    @LongRun
    void generate_diskIsFull_saysSoAndKeepsWhatHasCome() {
        server.add(ID, Runs.KJV);
        Launched.Result full = withHub(Launched.script(Path.of("/bin/bash"), "-c", "ulimit -f 2000; '"
                + Launched.HOME.resolve("launch/mpjrun.sh") + "' -q --device cpu -np 2 generate --model " + ID)
                .in(temp)).run();
        assertRefused(full, "generate: the cache " + temp.resolve("hf/hub") + " cannot be written: File too large; make"
                + " room, or set HF_HOME to a directory that has it; what has come is kept");
        assertGood(generate(2, "--model", ID).run());
        assertThat(elsewhere()).extracting(Asked::range).containsExactly("", "bytes=2048000-");
    }

    @Test
    void model_name_isLookedAtWithoutItsWeights() {
        server.add(ID, Runs.KJV);
        Launched.Result result = model(ID);
        assertThat(result.stdout()).startsWith(ID + ": llama, 6 layers, hidden size 256, vocabulary 4096, 5,770,496"
                + " parameters, bfloat16, context 1024\n11.5 MB of weights as BF16 on disk")
                .endsWith("\nits weights are not downloaded yet, which --fetch does\n");
        assertGood(result);
        assertThat(temp.resolve("hf/hub/models--org--kjv/blobs").toFile().list()).hasSize(4);
    }

    @Test
    @LongRun
    void model_fetch_asksForTheNewestAndPrintsItsDirectory() {
        String old = server.add(ID, Runs.KJV);
        assertGood(generate(1, "--model", ID).run());
        Path snapshots = temp.resolve("hf/hub/models--org--kjv/snapshots");
        String commit = server.add(ID, Runs.KJV);
        assertThat(model(ID).stdout()).startsWith(ID + ": llama, 6 layers")
                .endsWith("\nit is in " + snapshots.resolve(old) + "\n");
        assertThat(model(ID, "--fetch").stdout()).isEqualTo(snapshots.resolve(commit) + "\n");
        assertThat(model(ID, "--check").stdout()).startsWith(snapshots.resolve(commit) + ": llama, 6 layers");
        assertThat(elsewhere()).hasSize(1);
        assertRefused(model(Runs.KJV.toString(), "--fetch"), "model: " + Runs.KJV
                + " is here, so there is nothing to fetch");
    }

    private Launched.Result model(String... words) {
        return withHub(Launched.mpjrun(Stream.concat(Stream.of("-q", "model"), Stream.of(words)).toArray(String[]::new))
                .in(temp)).run();
    }

    @Test
    @LongRun
    void bench_name_needsTheConfigurationAlone() {
        server.add(ID, Runs.KJV);
        Launched.Result result = withHub(Launched.mpjrun("-q", "--device", "cpu", "bench", "decode", "--config", ID,
                "--batch-sizes", "1").in(temp)).run();
        assertThat(result.stdout()).contains(ID);
        assertThat(result.exitCode()).isZero();
        assertThat(elsewhere()).isEmpty();
    }
}
