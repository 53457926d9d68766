package dev.lockstep.decoder;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.DType;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Weights that stay in 4 bits: in the order that kernels/int4.cu describes they are the numbers that they were. */
class Int4Test {
    private static final int ROWS = 16;
    private static final int COLUMNS = 64;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"awq-channel", "awq-g128", "awq-g32", "ct-w4a16", "ct-w4a16-asym", "ct-w4a16-channel",
            "gptq", "gptq-channel"})
    void keepInt4_values_areThoseOfTheCheckpoint(String form) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("quantized-" + form));
        assertThat(Int4.refusal(checkpoint)).isEmpty();
        assertNumbers(checkpoint, Shard.of(checkpoint.config(), 0, 1));
    }

    /** Groups of 128 columns that go to two ranks, too. */
    @ParameterizedTest
    @ValueSource(strings = {"awq-channel", "awq-g128", "awq-g32"})
    void keepInt4_valuesOfTwoRanks_areThoseOfTheCheckpoint(String form) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("quantized-" + form));
        for (int rank = 0; rank < 2; rank++) {
            assertNumbers(checkpoint, Shard.of(checkpoint.config(), rank, 2));
        }
    }

    private static void assertNumbers(Checkpoint checkpoint, Shard shard) {
        int last = checkpoint.config().layers() - 1;
        List<String> names = List.of("qkv", "output", "gate_up", "down");
        List<float[][]> expected = GoldenRows.weights(checkpoint, shard, names, last, DType.FLOAT32, false);
        TorchScriptProgram program = GoldenRows.program();
        try (DecoderProgram decoder = new DecoderProgram(program)) {
            decoder.configure(shard, DType.FLOAT16, Device.CPU);
            new CheckpointWeights(decoder, checkpoint, shard, Device.CPU, DType.FLOAT16, Weights.INT4).place(bytes -> {
            });
            for (int i = 0; i < names.size(); i++) {
                assertThat(numbers(program, names.get(i), last, expected.get(i)[0].length)).as(names.get(i))
                        .isDeepEqualTo(expected.get(i));
            }
        }
    }

    /** As the kernels read it, element by element. */
    private static float[][] numbers(TorchScriptProgram program, String name, int layer, int columns) {
        float[][] blocks = program.floats("int4_of", name, layer);
        float[][] scales = program.floats("int4_scales", name, layer);
        float[][] zeros = program.floats("int4_zeros", name, layer);
        int across = columns / COLUMNS;
        int rows = blocks.length / across * ROWS;
        int groups = scales.length * ROWS / rows;
        float[][] numbers = new float[rows][columns];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                int lane = row % 8 * 4 + column % 32 / 8;
                int word = column % COLUMNS / 32 * 2 + column % 8 / 4;
                int field = column % 2 * 4 + column / 2 % 2 * 2 + row % ROWS / 8;
                int at = row / ROWS * across + column / COLUMNS;
                int value = (int) blocks[at][(lane * 4 + word) * 4 + field / 2] >> field % 2 * 4 & 15;
                int group = row / ROWS * groups + column / (columns / groups);
                numbers[row][column] = (value - zeros[group][row % ROWS]) * scales[group][row % ROWS];
            }
        }
        return numbers;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ct-w4a16-act-order | the columns of .* are out of order \\(act-order\\), which .*: leave out --quantize int4, and .*
            gptq-act-order | the columns of .* are out of order \\(act-order\\), which .*
            gptq-int8 | model.layers.0.self_attn.q_proj.weight is not in 4 bits, .* take a checkpoint that an int4 tool .*
            ct-int8 | model.layers.0.self_attn.q_proj.weight is not in 4 bits, .*
            fp8-tensor | model.layers.0.self_attn.q_proj.weight is not in 4 bits, .*
            """)
    void refusal_ofOtherForms_saysWhy(String form, String why) {
        Optional<String> refusal = Int4.refusal(Checkpoint.open(Golden.checkpoint("quantized-" + form)));
        assertThat(refusal).hasValueSatisfying(said -> assertThat(said).matches(".*: " + why));
    }

    @Test
    void refusal_ofWeightsInSixteenBits_saysWhatWouldDo() {
        assertThat(Int4.refusal(Checkpoint.open(Golden.checkpoint("llama-gqa")))).hasValueSatisfying(
                said -> assertThat(said).endsWith("take a checkpoint that an int4 tool has made (awq, gptq, w4a16), or"
                        + " --quantize fp8."));
    }

    /** 192 columns by 128: the last group is a smaller one. */
    @Test
    void refusal_ofGroupsThatAreNotAlike_saysOfWhich() throws IOException {
        Path copy = Golden.copy("quantized-ct-w4a16", directory);
        Path json = copy.resolve("config.json");
        ObjectNode config = (ObjectNode) JsonFile.JSON.readTree(json.toFile());
        JsonFile.JSON.writeValue(json.toFile(), config.put("intermediate_size", 192));
        SafetensorsFile file = SafetensorsFile.read(copy.resolve("model.safetensors"));
        for (int layer = 0; layer < config.get("num_hidden_layers").asInt(); layer++) {
            for (String name : new String[]{"gate_proj", "up_proj", "down_proj"}) {
                String weight = "model.layers." + layer + ".mlp." + name + ".weight_";
                int rows = name.equals("down_proj") ? 128 : 192;
                int columns = 128 + 192 - rows;
                file.rename(weight + "packed", "was." + weight + "packed");
                file.rename(weight + "scale", "was." + weight + "scale");
                file.append(weight + "packed", "I32", rows, columns / 8);
                file.append(weight + "scale", "F32", rows, (columns + 127) / 128);
            }
        }
        file.write();

        assertThat(Int4.refusal(Checkpoint.open(copy))).hasValueSatisfying(
                said -> assertThat(said).contains("do not take groups of 128 columns, as model.layers.0.mlp.down_proj"
                        + ".weight has them in 192: leave out --quantize int4"));
    }

    @Test
    void load_onCpu_saysThatItIsForGpus() {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("quantized-gptq"));
        Acceleration int4 = new Acceleration(true, true, Weights.INT4);
        assertThatThrownBy(() -> Decoder.load(checkpoint, Device.CPU, DType.FLOAT32, int4))
                .isInstanceOf(ModelException.class)
                .hasMessage("weights stay in 4 bits on a GPU and in 16 bits only, not on cpu in float32: leave out"
                        + " --quantize int4, and weights are in 16 bits.");
    }
}
