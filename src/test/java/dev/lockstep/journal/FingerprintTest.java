package dev.lockstep.journal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.batch.GenerateOptions;
import dev.lockstep.batch.JobSettings;
import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.model.DType;

import static org.assertj.core.api.Assertions.assertThat;

class FingerprintTest {
    @TempDir
    private Path dir;

    private static Fingerprint of(Path model, String... options) throws IOException {
        GenerateOptions parsed = GenerateOptions.parse(options);
        Checkpoint checkpoint = Checkpoint.open(model);
        return Fingerprint.of(checkpoint, JobSettings.computing(parsed, DType.FLOAT32, checkpoint), "p",
                JobSettings.sampling(parsed));
    }

    private void copyOfModel() throws IOException {
        try (Stream<Path> files = Files.list(Runs.KJV)) {
            for (Path file : files.toList()) {
                Files.copy(file, dir.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void of_copyOfTheModel_isTheSame() throws IOException {
        copyOfModel();
        assertThat(of(dir)).isEqualTo(of(Runs.KJV));
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "config.json", "tokenizer.json"})
    void of_modelThatDiffersAtItsEnd_isAnother(String name) throws IOException {
        copyOfModel();
        byte[] bytes = Files.readAllBytes(dir.resolve(name));
        if (name.endsWith(".json")) {
            Files.writeString(dir.resolve(name), " ", StandardOpenOption.APPEND);
        } else {
            bytes[bytes.length - 1] ^= 1;
            Files.write(dir.resolve(name), bytes);
        }
        assertThat(of(Runs.KJV).differenceTo(of(dir))).contains("the model is a different one");
    }

    private static Fingerprint withAdapters(Path... adapters) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("llama-gqa"));
        for (Path adapter : adapters) {
            checkpoint = Adapter.open(adapter).onto(checkpoint);
        }
        return Fingerprint.of(checkpoint, "float32", "p", "s");
    }

    @Test
    void of_adapters_countsWhatTheyHold() throws IOException {
        Path one = Golden.FOLDER.resolve("lora/llama-attention");
        Path other = Golden.FOLDER.resolve("lora/llama-all");
        Path copy = Golden.copy(one, dir.resolve("copy"));
        assertThat(withAdapters(copy, other)).isEqualTo(withAdapters(one, other));
        List<Fingerprint> all = new ArrayList<>(List.of(withAdapters(), withAdapters(one), withAdapters(other),
                withAdapters(one, other), withAdapters(other, one), withAdapters(one, one)));
        Path weights = copy.resolve("adapter_model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        Files.write(weights, bytes);
        all.add(withAdapters(copy));
        Path config = copy.resolve("adapter_config.json");
        Files.writeString(config, Files.readString(config).replace("\"lora_alpha\": 8", "\"lora_alpha\": 9"));
        all.add(withAdapters(copy));
        assertThat(all).doesNotHaveDuplicates().map(Fingerprint::model).containsOnly(all.get(0).model());
    }

    private String schema(String type) throws IOException {
        return Files.writeString(dir.resolve(type), "{\"type\":\"" + type + "\"}").toString();
    }

    @Test
    void of_optionsThatDecideTexts_differ() throws IOException {
        List<Fingerprint> all = List.of(of(Runs.KJV), of(Runs.KJV, "--seed", "1"), of(Runs.KJV, "--greedy"),
                of(Runs.KJV, "--max-new-tokens", "7"), of(Runs.KJV, "--stop", "x"), of(Runs.KJV, "--num-samples", "2"),
                of(Runs.KJV, "--logprobs", "2"), of(Runs.KJV, "--logprobs", "3"),
                of(Runs.KJV, "--no-special-tokens"), of(Runs.KJV, "--json-schema", schema("null")),
                of(Runs.KJV, "--json-schema", schema("boolean")));
        assertThat(all).doesNotHaveDuplicates();
        assertThat(of(Runs.KJV, "--batch-size", "3", "--split", "block", "--resume")).isEqualTo(all.get(0));
    }
}
