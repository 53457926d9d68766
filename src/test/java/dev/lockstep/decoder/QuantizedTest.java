package dev.lockstep.decoder;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
        for (String weight : List.of("qkv", "output", "gate_up", "down")) {
            int last = checkpoint.config().layers() - 1;
            float[][] wide = GoldenRows.weight(checkpoint, weight, last, DType.FLOAT16, false);
            float[][] fp8 = GoldenRows.weight(checkpoint, weight, last, DType.FLOAT16, true);
            for (int row = 0; row < wide.length; row++) {
                float largest = 0;
                for (float value : wide[row]) {
                    largest = Math.max(largest, Math.abs(value));
                }
                // wide ones are rounded to float16
                assertThat(fp8[row]).as("%s, row %d of %s", form, row, weight).containsExactly(wide[row],
                        within(largest * (checkpoint.isFp8ByRow() ? 1f / 2048 : 1f / 27)));
            }
        }
    }

    private static Decoder load(String form, DType dtype) {
        return Decoder.load(Checkpoint.open(Golden.checkpoint(form)), Device.CPU, dtype, Acceleration.FULL);
    }
}
