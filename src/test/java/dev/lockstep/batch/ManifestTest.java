package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.host.Sha256;
import dev.lockstep.results.Tally;

import static org.assertj.core.api.Assertions.assertThat;

/** What a manifest says of adapters; the rest is in {@link ManifestIT}. */
class ManifestTest {
    @TempDir
    private Path temp;

    @Test
    void of_withAdapters_hasTheSumsOfTheirFiles() throws IOException {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("llama-gqa"));
        String results = Files.writeString(temp.resolve("r.jsonl"), "").toString();
        assertThat(Manifest.of(checkpoint, "-", Map.of(), results, new Tally()).adapters()).isEmpty();
        for (String name : new String[]{"llama-all", "llama-attention"}) {
            checkpoint = Adapter.open(Golden.FOLDER.resolve("lora").resolve(name)).onto(checkpoint);
        }
        Manifest manifest = Manifest.of(checkpoint, "-", Map.of(), results, new Tally());
        assertThat(manifest.adapters()).map(adapter -> Path.of(adapter.directory()).getFileName().toString())
                .containsExactly("llama-all", "llama-attention");
        Path second = Golden.FOLDER.resolve("lora/llama-attention");
        assertThat(manifest.adapters().get(1).files()).isEqualTo(Map.of("adapter_config.json",
                Sha256.of(second.resolve("adapter_config.json")), "adapter_model.safetensors",
                Sha256.of(second.resolve("adapter_model.safetensors"))));
        assertThat(manifest.model().files()).doesNotContainKey("adapter_config.json").containsKey("model.safetensors");
    }
}
