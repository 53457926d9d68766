package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** The families' golden cases on a GPU. */
@GpuTest
class FamilyGpuTest {
    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.lockstep.decoder.FamilyTest#families")
    void step_greedyInFloat32_equalsTransformersWithKernelsAndWithout(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        for (boolean kernels : new boolean[]{false, true}) {
            String what = family + ", kernels " + kernels;
            try (Decoder decoder = decoder(family, DType.FLOAT32, new Acceleration(true, kernels, Weights.WIDE))) {
                GoldenRows.assertCases(decoder, cases, what);
            }
        }
    }

    /**
     * Of a random model 16 bits leave a hundredth, fp8 a tenth; a row may go through another expert than in float32. Where experts
     * are in fp8 too, PyTorch on CPU, its weights and attention's inputs rounded so, leaves 0.32 of granitemoe.
     */
    @ParameterizedTest(name = "{1}, {0}")
    @MethodSource("inFewerBits")
    void step_inFewerBits_isNearTransformers(String family, Weights weights) {
        JsonNode cases = Golden.expected(family).get("cases");
        try (Decoder decoder = decoder(family, DType.BFLOAT16, new Acceleration(true, true, weights))) {
            double limit = weights != Weights.FP8 ? 1.0 / 25 : decoder.config().experts() == null ? 1.0 / 4 : 2.0 / 5;
            List<Admission> rows = GoldenRows.admissions(decoder, cases);
            float[][] logits = decoder.firstLogits(rows);
            if (cases.get(0).has("first_logits")) {
                float[][] expected = new float[logits.length][];
                for (int row = 0; row < expected.length; row++) {
                    expected[row] = Golden.floats(cases.get(row).get("first_logits"));
                    logits[row] = Arrays.copyOf(logits[row], expected[row].length);
                }
                assertMiddle(GoldenRows.errors(expected, logits), limit);
            }
            // a step is as far from a prompt's pass over the same tokens
            int[] chosen = decoder.prefill(rows);
            float[][] stepped = decoder.stepLogits(chosen.length);
            List<Admission> longer = new ArrayList<>();
            for (int row = 0; row < chosen.length; row++) {
                int[] prompt = rows.get(row).tokens();
                int[] tokens = Arrays.copyOf(prompt, prompt.length + 1);
                tokens[prompt.length] = chosen[row];
                longer.add(new Admission(row, tokens, rows.get(row).settings()));
            }
            assertMiddle(GoldenRows.errors(decoder.firstLogits(longer), stepped), limit);
        }
    }

    private static void assertMiddle(double[] errors, double limit) {
        assertThat(errors[errors.length / 2]).as("the error in the middle of %s", Arrays.toString(errors))
                .isLessThan(limit);
    }

    private static Stream<Arguments> inFewerBits() {
        return FamilyTest.families().stream().flatMap(
                family -> Stream.of(Weights.AS_STORED, Weights.FP8).map(weights -> Arguments.of(family, weights)));
    }

    private static Decoder decoder(String family, DType dtype, Acceleration acceleration) {
        return Decoder.load(Checkpoint.open(Golden.checkpoint(family)), new Device("cuda:0"), dtype, acceleration);
    }
}
