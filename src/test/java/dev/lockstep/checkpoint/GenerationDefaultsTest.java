package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class GenerationDefaultsTest {
    @TempDir
    private Path directory;

    @Test
    void read_everyField_isKeptAndHonouredOnesAreLeft() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":7,\"top_k\":3}");
        Files.writeString(directory.resolve("generation_config.json"), """
                {"do_sample": true, "temperature": 0.6, "top_p": null, "num_beams": 1, "use_cache": true, "mine": 1,
                 "no_repeat_ngram_size": 2, "eos_token_id": [128001, 5, 128009]}""");

        GenerationDefaults defaults = GenerationDefaults.read(directory, 128009);
        assertThat(defaults.eosTokenIds()).containsExactly(128001, 5);
        assertThat(defaults.without(List.of()).fields()).hasToString(
                "{\"eos_token_id\":[128001,5,128009],\"do_sample\":true,\"temperature\":0.6,\"no_repeat_ngram_size\":2}");
    }

    @Test
    void read_fileAbsent_fieldsAreTheConfigs() throws IOException {
        Files.writeString(directory.resolve("config.json"),
                "{\"eos_token_id\":7,\"min_length\":4,\"text_config\":{\"eos_token_id\":8,\"top_k\":2}}");

        GenerationDefaults defaults = GenerationDefaults.read(directory, 10);
        assertThat(defaults.eosTokenIds()).containsExactly(7);
        assertThat(defaults.fields()).hasToString("{\"eos_token_id\":7,\"top_k\":2,\"min_length\":4}");
    }

    @Test
    void read_fileSilent_thereAreNoEndTokens() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":[7,8]}");
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":null}");

        assertThat(GenerationDefaults.read(directory, 10).eosTokenIds()).isEmpty();
    }

    @Test
    void read_endTokensThatTheModelDoesNotHave_arePassedOver() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":[-1,10,9,9223372036854775808]}");

        assertThat(GenerationDefaults.read(directory, 10).eosTokenIds()).containsExactly(9);
    }

    @Test
    void read_badEndToken_namesTheFile() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        Path file = Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":[1,\"</s>\"]}");

        assertThatThrownBy(() -> GenerationDefaults.read(directory, 10)).isInstanceOf(ModelException.class)
                .hasMessage(file + ": eos_token_id must be a token id or a list of them, not [1,\"</s>\"].");
    }
}
