package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** {@link QuantizedTest} on a GPU, where weights are made numbers on the device or are multiplied in fp8 as they are. */
@GpuTest
class QuantizedGpuTest {
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void step_greedyInFloat32_equalsTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.FLOAT32, Weights.AS_STORED)) {
            GoldenRows.assertGreedy(decoder, cases, form);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void firstLogits_inBfloat16_areCloseToTransformers(String form) {
        assertThat(difference(form, Weights.WIDE)).isLessThan(0.15);
    }

    /** Rounding of the same kind, simulated on CPU, changed the logits, which are up to 6.6, by 0.35 to 1.12. */
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void firstLogits_inFp8_areNearTransformers(String form) {
        assertThat(difference(form, Weights.FP8)).isBetween(0.05, 1.6);
    }

    /** By row as stored, no step by way of numbers: the same bits as where fp8 is asked for. */
    @ParameterizedTest
    @ValueSource(strings = {"quantized-ct-fp8-channel", "quantized-ct-fp8-tensor", "quantized-fp8-tensor"})
    void firstLogits_storedInFp8ByRow_areThoseOfFp8Products(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        List<float[][]> logits = new ArrayList<>();
        for (Weights weights : new Weights[]{Weights.AS_STORED, Weights.FP8, Weights.WIDE}) {
            try (Decoder decoder = load(form, DType.BFLOAT16, weights)) {
                logits.add(decoder.firstLogits(GoldenRows.admissions(decoder, cases)));
            }
        }
        assertThat(logits.get(0)).isDeepEqualTo(logits.get(1));
        assertThat(Arrays.deepEquals(logits.get(0), logits.get(2))).isFalse();
    }

    /** Kernels find the weights by their addresses, wherever these came from: a step's logits are the program's. */
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void compareStep_withKernels_isCloseToTheProgram(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.BFLOAT16, Weights.AS_STORED)) {
            List<Admission> rows = GoldenRows.admissions(decoder, cases);
            decoder.prefill(rows);
            float[][][] both = decoder.compareStep(rows.size(), -1);
            for (int row = 0; row < rows.size(); row++) {
                assertThat(both[1][row]).as("%s, prompt %d", form, row).containsExactly(both[0][row], within(0.5f));
            }
        }
    }

    /** The largest difference of a logit to transformers', in bfloat16. */
    private static double difference(String form, Weights weights) {
        JsonNode cases = Golden.expected(form).get("cases");
        double most = 0;
        try (Decoder decoder = load(form, DType.BFLOAT16, weights)) {
            float[][] logits = decoder.firstLogits(GoldenRows.admissions(decoder, cases));
            for (int row = 0; row < logits.length; row++) {
                float[] expected = Golden.floats(cases.get(row).get("first_logits"));
                for (int token = 0; token < expected.length; token++) {
                    most = Math.max(most, Math.abs(logits[row][token] - expected[token]));
                }
            }
        }
        return most;
    }

    private static Decoder load(String form, DType dtype, Weights weights) {
        return Decoder.load(Checkpoint.open(Golden.checkpoint(form)), Device.ofRank("cuda"), dtype,
                new Acceleration(true, true, weights));
    }

}
