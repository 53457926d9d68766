package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/**
 * Models with adapters against what was computed with the sums of their weights in float64, and families whose layers have
 * names of their own against transformers with an adapter that PEFT saved and merged.
 */
class LoraTest {
    static List<JsonNode> sums() {
        return StreamSupport.stream(Golden.json("lora/expected.json").spliterator(), false).toList();
    }

    static List<JsonNode> merged() {
        return Stream
                .concat(sums().stream(), StreamSupport.stream(Golden.json("lora/families.json").spliterator(), false))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("merged")
    void firstLogits_inFloat32_equalThoseOfTheSums(JsonNode merged) {
        assertLogits(merged, Device.CPU, DType.FLOAT32, 1e-4f);
    }

    /** The sum is rounded once; the weights of int8 stay wide until it is made. */
    @ParameterizedTest
    @MethodSource("sums")
    void firstLogits_inBfloat16_areCloseToThoseOfTheSums(JsonNode merged) {
        assertLogits(merged, Device.CPU, DType.BFLOAT16, 0.15f);
    }

    @ParameterizedTest
    @MethodSource("merged")
    void step_greedyInFloat32_equalsThatOfTheSums(JsonNode merged) {
        assertGreedy(merged, Device.CPU);
    }

    /** Mapped weights of the model's files would be written to, if the sum were made in place. */
    @Test
    void load_again_findsTheWeightsAsTheyWere() {
        Checkpoint plain = Checkpoint.open(Golden.checkpoint("llama-gqa"));
        float[][] before = weight(plain, "qkv", false);
        float[][] with = weight(adapter("llama-attention").onto(plain), "qkv", false);
        assertThat(weight(plain, "qkv", false)).isDeepEqualTo(before);
        assertThat(Arrays.deepEquals(with, before)).isFalse();
    }

    /** Made fp8 from the sum, whose largest values are then 32 of 448 apart. */
    @Test
    void weights_keptInFp8_areThoseOfTheSums() {
        Checkpoint checkpoint = adapter("int8").onto(Checkpoint.open(Golden.checkpoint("quantized-ct-int8")));
        float[][] wide = weight(checkpoint, "qkv", false);
        float[][] fp8 = weight(checkpoint, "qkv", true);
        for (int row = 0; row < wide.length; row++) {
            float largest = 0;
            for (float value : wide[row]) {
                largest = Math.max(largest, Math.abs(value));
            }
            assertThat(fp8[row]).as("row %d", row).containsExactly(wide[row], within(largest / 27));
        }
    }

    @Test
    void place_sumOfWeightsInFp8InFp8Again_isRefused() {
        Checkpoint plain = Checkpoint.open(Golden.checkpoint("quantized-ct-fp8-channel"));
        Checkpoint checkpoint = adapter("int8").onto(plain);
        assertThatThrownBy(() -> weight(checkpoint, "qkv", true)).isInstanceOf(ModelException.class)
                .hasMessage(plain.directory()
                        + ": an adapter changes model.layers.0.self_attn.q_proj.weight, which is in"
                        + " fp8 already, where rounding to fp8 again would undo most of it; leave out --quantize fp8, or give it"
                        + " with the checkpoint that is not quantized.");
        // and where nobody asks for fp8 the sum is not made fp8
        assertThat(plain.isFp8ByRow()).isTrue();
        assertThat(checkpoint.isFp8ByRow()).isFalse();
    }

    static void assertGreedy(JsonNode merged, Device device) {
        try (Decoder decoder = load(merged, device, DType.FLOAT32, Weights.AS_STORED)) {
            GoldenRows.assertGreedy(decoder, merged.get("cases"), merged.get("adapters"));
        }
    }

    static void assertLogits(JsonNode merged, Device device, DType dtype, float tolerance) {
        assertLogits(merged, load(merged, device, dtype, Weights.AS_STORED), tolerance);
    }

    /** Closes the decoder. */
    static void assertLogits(JsonNode merged, Decoder loaded, float tolerance) {
        try (Decoder decoder = loaded) {
            GoldenRows.assertFirstLogits(decoder, merged.get("cases"), tolerance, merged.get("adapters"));
        }
    }

    static Adapter adapter(String name) {
        return Adapter.open(Golden.FOLDER.resolve("lora").resolve(name));
    }

    static Decoder load(JsonNode merged, Device device, DType dtype, Weights weights) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(merged.get("model").asText()));
        for (JsonNode name : merged.get("adapters")) {
            checkpoint = adapter(name.asText()).onto(checkpoint);
        }
        return Decoder.load(checkpoint, device, dtype, new Acceleration(true, true, weights));
    }

    /** Of the first layer. */
    private static float[][] weight(Checkpoint checkpoint, String weight, boolean fp8) {
        return GoldenRows.weight(checkpoint, weight, 0, fp8 ? DType.FLOAT16 : DType.FLOAT32, fp8);
    }
}
