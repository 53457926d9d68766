package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.family.Families;
import dev.lockstep.model.ModelConfig;

import static org.assertj.core.api.Assertions.assertThat;

/** Which layers have a window, by the rules of each family's configuration class and model in transformers 5. */
class SlidingWindowTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "'model_type':'mistral','sliding_window':null|0 0",
            "'model_type':'mistral','sliding_window':256|256 256", "'model_type':'llama','sliding_window':256|0 0",
            "'model_type':'qwen2','sliding_window':256,'use_sliding_window':false|0 0",
            "'model_type':'qwen2','sliding_window':256,'use_sliding_window':true|0 0",
            "'model_type':'qwen2','sliding_window':256,'use_sliding_window':true,'max_window_layers':0|256 256",
            "'model_type':'qwen2','sliding_window':256,'use_sliding_window':true,'max_window_layers':1|0 256",
            "'model_type':'qwen2','use_sliding_window':true,'layer_types':['sliding_attention','full_attention']|"
                    + "4096 0",
            // layer_types decide where the configuration class has them, whatever use_sliding_window says
            "'model_type':'smollm3','sliding_window':64,'use_sliding_window':false,'layer_types':['sliding_attention',"
                    + "'full_attention']|64 0",
            "'model_type':'smollm3','sliding_window':64,'layer_types':['full_attention','sliding_attention']|0 64",
            "'model_type':'smollm3','sliding_window':64,'no_rope_layer_interval':2|0 0",
            "'model_type':'smollm3','sliding_window':64,'use_sliding_window':true,'no_rope_layer_interval':2|0 64",
            "'model_type':'smollm3','use_sliding_window':true,'no_rope_layer_interval':2|0 0",
            "'model_type':'gemma2','sliding_window':64,'layer_types':['full_attention','sliding_attention']|0 64",
            "'model_type':'gemma3_text','sliding_window':64,'layer_types':['full_attention','sliding_attention']|0 64",
            // the others go by sliding_window alone
            "'model_type':'mistral','sliding_window':256,'layer_types':['full_attention','sliding_attention']|256 256",
            "'model_type':'phi3','sliding_window':256,'layer_types':['full_attention']|256 256",
            "'model_type':'llama','sliding_window':256,'layer_types':['sliding_attention','sliding_attention']|0 0",
            "'model_type':'olmo2','sliding_window':256,'layer_types':['sliding_attention','sliding_attention']|0 0"})
    void read_slidingWindow_isThatOfEachLayer(String fields, String windows) throws IOException {
        ModelConfig config = config(("{'num_hidden_layers':2," + fields + "}").replace('\'', '"'));

        assertThat(config.attention().layers()).extracting(layer -> Integer.toString(layer.window()))
                .containsExactly(windows.split(" "));
    }

    private ModelConfig config(String json) throws IOException {
        Files.writeString(directory.resolve("config.json"), json);
        return Families.read(directory);
    }
}
