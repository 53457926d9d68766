package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;

import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** Numbers in fp8 (e4m3), as the program keeps keys and values, against the type's definition. */
class Fp8KvTest {
    private static final int LARGEST = 448;

    @Test
    void numbers_keptInFp8_areTheNearestThatItHas() {
        List<Double> values = new ArrayList<>(List.of(0.0));
        for (int exponent = -6; exponent <= 8; exponent++) {
            for (int eighth = 0; eighth < 8; eighth++) {
                values.add(Math.min(LARGEST, Math.scalb(1 + eighth / 8.0, exponent)));
                values.add(Math.scalb(eighth / 8.0, -6));
            }
        }
        float[][] numbers = new float[1][4000];
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < numbers[0].length; i++) {
            numbers[0][i] = (float) ((random.nextBoolean() ? 1 : -1) * Math.exp(random.nextDouble(-12, 8)));
        }
        try (TorchScriptProgram program = TorchScriptProgram.load(Decoder.class, "Decoder", parts())) {
            float[][] kept = program.floats("kept_in_fp8", (Object) numbers);
            for (int i = 0; i < numbers[0].length; i++) {
                double number = numbers[0][i];
                double nearest = values.stream().mapToDouble(value -> Math.abs(value - Math.abs(number))).min()
                        .orElseThrow();
                assertThat(Math.abs(kept[0][i] - number)).as("%s kept as %s", number, kept[0][i]).isEqualTo(nearest);
                assertThat(values).contains((double) Math.abs(kept[0][i]));
            }
        }
    }

    /** By powers of 2, dividing and multiplying are exact: what is kept is what is nearest on fp8's grid, wider or narrower. */
    @Test
    void numbers_keptByScales_areKeptAsTheNumbersDividedByThem() {
        float[][] numbers = {{1, -3.3f, 0.001f, 5000}, {7e-7f, 100, -448, 30000}};
        try (TorchScriptProgram program = TorchScriptProgram.load(Decoder.class, "Decoder", parts())) {
            float[][] kept = program.floats("kept_by_scales", numbers, 64.0, 1.0 / 1024);
            float[] scales = {64, 1 / 1024f};
            for (int row = 0; row < numbers.length; row++) {
                for (int i = 0; i < 4 * numbers[row].length; i++) {
                    float scale = scales[i / numbers[row].length % 2];
                    float[][] divided = {{numbers[row][i % numbers[row].length] / scale}};
                    float expected = program.floats("kept_in_fp8", (Object) divided)[0][0] * scale;
                    assertThat(kept[row][i]).as("%s by %s", numbers[row][i % 4], scale).isEqualTo(expected);
                }
            }
        }
    }

    private static List<String> parts() {
        List<String> parts = new ArrayList<>(DecoderProgram.PARTS);
        parts.add("kv-checks.torchscript");
        return parts;
    }
}
