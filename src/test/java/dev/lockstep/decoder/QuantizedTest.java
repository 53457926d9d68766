package dev.lockstep.decoder;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Quantized checkpoints against what transformers computed with the weights that they stand for. */
class QuantizedTest {
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void firstLogits_inFloat32_equalTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.FLOAT32)) {
            GoldenRows.assertFirstLogits(decoder, cases, 1e-4f, form);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void step_greedyInFloat32_equalsTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.FLOAT32)) {
            GoldenRows.assertGreedy(decoder, cases, form);
        }
    }

    /** What --dtype asks for is made of any form; in bfloat16 within the rounding of its 8 bits. */
    @ParameterizedTest
    @LongRun(butFor = {1, 4, 8, 9, 11, 14})
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void firstLogits_inBfloat16_areCloseToTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.BFLOAT16)) {
            GoldenRows.assertFirstLogits(decoder, cases, 0.15f, form);
        }
    }

    /**
     * For fp8 products, which only a GPU has: what is in fp8 by row is kept to the bit, other forms are made fp8, whose
     * largest values are 32 of 448 apart.
     */
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void weights_keptInFp8_areThoseOfTheCheckpoint(String form) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(form));
        List<String> weights = List.of("qkv", "output", "gate_up", "down");
        int last = checkpoint.config().layers() - 1;
        List<float[][]> allWide = GoldenRows.weights(checkpoint, weights, last, DType.FLOAT16, false);
        List<float[][]> allFp8 = GoldenRows.weights(checkpoint, weights, last, DType.FLOAT16, true);
        for (String weight : weights) {
            float[][] wide = allWide.get(weights.indexOf(weight));
            float[][] fp8 = allFp8.get(weights.indexOf(weight));
            assertThat(fp8.length).as("rows of %s of %s", weight, form).isEqualTo(wide.length);
            // wide ones are rounded to float16
            double most = checkpoint.isFp8ByRow() ? 1.0 / 2048 : 1.0 / 27;
            for (int row = 0; row < wide.length; row++) {
                assertThat(fp8[row]).hasSameSizeAs(wide[row]);
                double largest = 0;
                double error = 0;
                for (int i = 0; i < wide[row].length; i++) {
                    largest = Math.max(largest, Math.abs(wide[row][i]));
                    error = Math.max(error, Math.abs(fp8[row][i] - wide[row][i]));
                }
                assertThat(error).as("%s, row %d of %s", form, row, weight).isLessThanOrEqualTo(largest * most);
            }
        }
    }

    private static Decoder load(String form, DType dtype) {
        return Decoder.load(Checkpoint.open(Golden.checkpoint(form)), Device.CPU, dtype, Acceleration.FULL);
    }
}
