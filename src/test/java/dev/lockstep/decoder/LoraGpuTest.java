package dev.lockstep.decoder;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** {@link LoraTest} on a GPU, into whose memory weights and matrices are read beside each other. */
@GpuTest
class LoraGpuTest {
    private static final Device GPU = Device.ofRank("cuda");

    @ParameterizedTest
    @MethodSource("dev.lockstep.decoder.LoraTest#merged")
    void step_greedyInFloat32_equalsThatOfTheSums(JsonNode merged) {
        LoraTest.assertGreedy(merged, GPU);
    }

    @ParameterizedTest
    @MethodSource("dev.lockstep.decoder.LoraTest#sums")
    void firstLogits_inBfloat16_areCloseToThoseOfTheSums(JsonNode merged) {
        LoraTest.assertLogits(merged, GPU, DType.BFLOAT16, 0.15f);
    }

    /** As far from them as fp8 alone is from transformers, see {@link QuantizedGpuTest}. */
    @ParameterizedTest
    @MethodSource("dev.lockstep.decoder.LoraTest#sums")
    void firstLogits_inFp8_areNearThoseOfTheSums(JsonNode merged) {
        LoraTest.assertLogits(merged, LoraTest.load(merged, GPU, DType.BFLOAT16, Weights.FP8), 1.6f);
    }

    /** The sums are numbers of bfloat16 where nobody asks for fp8, and are refused where somebody does. */
    @Test
    void load_modelInFp8ByRow_isNotMadeFp8Again() {
        Checkpoint checkpoint = LoraTest.adapter("int8")
                .onto(Checkpoint.open(Golden.checkpoint("quantized-ct-fp8-channel")));
        Decoder.load(checkpoint, GPU, DType.BFLOAT16, new Acceleration(true, true, Weights.AS_STORED)).close();
        assertThatThrownBy(() -> Decoder.load(checkpoint, GPU, DType.BFLOAT16,
                new Acceleration(true, true, Weights.FP8))).isInstanceOf(ModelException.class)
                        .hasMessageContaining("which is in fp8 already");
    }
}
