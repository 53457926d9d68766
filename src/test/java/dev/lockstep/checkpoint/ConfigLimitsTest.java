package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.family.Families;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A config.json that holds more, or longer things, than anybody wrote by hand. */
class ConfigLimitsTest {
    @TempDir
    private Path directory;

    @Test
    void read_whatNobodyReads_mayBeAnything() throws IOException {
        assertThat(config("{\"model_type\":\"llama\",\"a\":[NaN,-Infinity,Infinity],\"" + "n".repeat(60_000)
                + "\":\"" + "s".repeat(1_000_000) + "\",\"b\":" + "[".repeat(900) + "]".repeat(900) + "}"))
                        .isEqualTo(config("{\"model_type\":\"llama\"}"));
    }

    @Test
    void read_longValue_isCut() {
        assertThatThrownBy(() -> config("{\"model_type\":\"" + "x".repeat(1 << 20) + "\"}"))
                .hasMessage(directory.resolve("config.json") + ": model_type \"" + "x".repeat(117)
                        + "...\" is not supported; supported are " + FamiliesTest.NAMES + ".");
        assertThatThrownBy(() -> config("{\"model_type\":\"llama\",\"vocab_size\":[" + "1,".repeat(100_000) + "1]}"))
                .hasMessageMatching(".*: vocab_size must be an integer, not \\[(1,)+1?\\.\\.\\.\\.");
    }

    @Test
    void read_beyondTheParsersLimits_saysWhich() {
        String start = "{\"model_type\":\"llama\",\"x\":";
        assertThatThrownBy(() -> config(start + "[".repeat(1001))).isInstanceOf(ModelException.class).hasMessage(
                directory.resolve("config.json") + " is not JSON that can be read: it is nested more than 1,000 deep.");
        assertThatThrownBy(() -> config(start + "7".repeat(1001) + "}")).isInstanceOf(ModelException.class).hasMessage(
                directory.resolve("config.json")
                        + " is not JSON that can be read: it has a number of more than 1,000 digits.");
    }

    private ModelConfig config(String json) throws IOException {
        Files.writeString(directory.resolve("config.json"), json);
        return Families.read(directory);
    }
}
