package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;

/** What a job leaves beside its results. */
class ManifestIT {
    @TempDir
    private Path temp;

    /** As another program sees it. */
    private String sha256sum(Path file) throws IOException {
        Launched.Result result = Launched.script(Path.of("/usr/bin/sha256sum"), file.toString()).in(temp).run();
        assertThat(result.exitCode()).isZero();
        return result.stdout().substring(0, 64);
    }

    @Test
    void manifest_hasTheSumsOfAllFiles() throws IOException {
        Files.writeString(temp.resolve("p.txt"), "In the beginning\nAnd\n");
        Runs.succeed(2, temp, "--prompts", "p.txt", "--output", "r.jsonl", "--manifest", "m.json", "--report", "s.json",
                "--file-mode", "640", "--max-new-tokens", "3", "--seed", "7");
        JsonNode manifest = Runs.json(temp.resolve("m.json"));
        Map<String, String> files = new TreeMap<>();
        for (String name : List.of("config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                "tokenizer_config.json")) {
            if (Files.exists(Runs.KJV.resolve(name))) {
                files.put(name, sha256sum(Runs.KJV.resolve(name)));
            }
        }
        assertThat(files).containsKeys("config.json", "model.safetensors", "tokenizer.json");
        Map<String, String> said = new TreeMap<>();
        manifest.get("model").get("files").properties()
                .forEach(file -> said.put(file.getKey(), file.getValue().asText()));
        assertThat(said).isEqualTo(files);
        assertThat(Path.of(manifest.get("model").get("directory").asText())).isEqualTo(Runs.KJV);
        assertThat(manifest.get("prompts").get("sha256").asText()).isEqualTo(sha256sum(temp.resolve("p.txt")));
        JsonNode results = manifest.get("results");
        assertThat(results.get("sha256").asText()).isEqualTo(sha256sum(temp.resolve("r.jsonl")));
        assertThat(results.get("rows").asInt()).isEqualTo(2);
        assertThat(results.get("failed").asInt()).isZero();
        assertThat(manifest.get("options").get("seed").asInt()).isEqualTo(7);
        assertThat(manifest.get("options").get("max new tokens").asInt()).isEqualTo(3);
        JsonNode versions = manifest.get("versions");
        assertThat(versions.properties().stream().map(Map.Entry::getKey)).containsExactly("lockstep", "java", "djl",
                "libtorch", "mpj_express");
        assertThat(versions.get("djl").asText()).matches("\\d+\\.\\d+\\.\\d+.*");
        assertThat(versions.get("libtorch").asText()).matches("\\d+\\.\\d+\\.\\d+.*");
        assertThat(versions.get("lockstep").asText()).matches("\\d+\\.\\d+\\.\\d+.*");
        assertThat(versions.get("mpj_express").asText()).matches(".*\\.jar [0-9a-f]{64}");
        for (String name : List.of("r.jsonl", "m.json", "s.json")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temp.resolve(name)))).as(name)
                    .isEqualTo("rw-r-----");
        }
    }
}
