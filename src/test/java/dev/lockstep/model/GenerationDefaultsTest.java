package dev.lockstep.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class GenerationDefaultsTest {
    @TempDir
    private Path directory;

    @Test
    void read_allFields() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":7}");
        Files.writeString(directory.resolve("generation_config.json"), """
                {"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.01,
                 "repetition_penalty": 1.05, "max_new_tokens": 64, "eos_token_id": [128001, 128009]}""");

        assertThat(GenerationDefaults.read(directory)).isEqualTo(
                new GenerationDefaults(true, 0.6, 20, 0.95, 0.01, 1.05, 64, List.of(128001, 128009)));
    }

    @Test
    void read_fileAbsent_endTokenIsTheConfigs() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":7}");

        assertThat(GenerationDefaults.read(directory))
                .isEqualTo(new GenerationDefaults(null, null, null, null, null, null, null, List.of(7)));
    }

    @Test
    void read_fileSilent_endTokensAreTheConfigs() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":[7,8]}");
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":null}");

        assertThat(GenerationDefaults.read(directory).eosTokenIds()).containsExactly(7, 8);
    }

    @Test
    void read_noEndTokenAnywhere_isEmpty() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");

        assertThat(GenerationDefaults.read(directory).eosTokenIds()).isEmpty();
    }

    @Test
    void read_badEndToken_namesTheFile() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        Path file = Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":[1,\"</s>\"]}");

        assertThatThrownBy(() -> GenerationDefaults.read(directory)).isInstanceOf(ModelException.class)
                .hasMessage(file + ": eos_token_id must be a token id or a list of them, not [1,\"</s>\"].");
    }
}
