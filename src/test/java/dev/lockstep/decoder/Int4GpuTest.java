package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Weights that stay in 4 bits on a GPU, against the same weights as numbers. */
@GpuTest
class Int4GpuTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
    private static final int[] ROWS = {1, 3, 8, 9, 16, 17, 33, 64, 65, 100};

    /** 16 bits are rounded at other places: numbers before they are multiplied, or products of what they stand for. */
    @ParameterizedTest
    @CsvSource({"awq-channel,BFLOAT16", "awq-g128,BFLOAT16", "awq-g32,BFLOAT16", "awq-g32,FLOAT16", "ct-w4a16,BFLOAT16",
            "ct-w4a16-asym,BFLOAT16", "ct-w4a16-channel,FLOAT16", "gptq,BFLOAT16", "gptq,FLOAT16",
            "gptq-channel,BFLOAT16"})
    void logits_ofGoldenForms_areThoseOfNumbers(String form, DType dtype) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("quantized-" + form));
        JsonNode cases = Golden.expected("quantized-" + form).get("cases");
        float[][][] prompts = new float[2][][];
        float[][][] steps = new float[2][][];
        int[][] chosen = new int[2][];
        for (int i = 0; i < 2; i++) {
            Acceleration acceleration = new Acceleration(true, true, i == 0 ? Weights.WIDE : Weights.INT4);
            try (Decoder decoder = Decoder.load(checkpoint, Device.ofRank("cuda"), dtype, acceleration)) {
                prompts[i] = decoder.firstLogits(GoldenRows.admissions(decoder, cases));
            }
            try (Decoder decoder = Decoder.load(checkpoint, Device.ofRank("cuda"), dtype, acceleration)) {
                List<Admission> rows = GoldenRows.admissions(decoder, cases);
                chosen[i] = decoder.prefill(rows);
                steps[i] = decoder.stepLogits(rows.size());
            }
        }
        double limit = dtype == DType.FLOAT16 ? 3e-3 : 2e-2;
        assertThat(GoldenRows.error(prompts[0], prompts[1])).as("prompts").isLessThan(limit);
        // of two tokens that are as likely either may be chosen, and the step is another one then
        int[] alike = IntStream.range(0, chosen[0].length).filter(row -> chosen[0][row] == chosen[1][row]).toArray();
        assertThat(alike).hasSizeGreaterThanOrEqualTo(chosen[0].length - 1);
        assertThat(GoldenRows.error(only(alike, steps[0]), only(alike, steps[1]))).as("steps").isLessThan(limit);
    }

    /**
     * A step of as many rows as each of the kernels takes gives what a prompt with the token at its end does; prompts of many
     * rows together are computed with the numbers.
     */
    @ParameterizedTest
    @CsvSource({"1024,2816,8,BFLOAT16", "1024,2816,8,FLOAT16", "832,1600,13,BFLOAT16", "4096,14336,32,BFLOAT16"})
    void step_ofSoManyRows_isThatOfAPrompt(int hidden, int intermediate, int heads, DType dtype) {
        ModelConfig config = new ModelConfig("llama", hidden, heads, heads % 2 == 0 ? heads / 4 : heads, hidden / heads,
                intermediate, 2000, 4096, false, false, false, false, false, Norms.before(1e-5),
                Attention.alike(2, hidden / heads, 0, new Rope(10000, hidden / heads)), 1, 0, Activation.SILU,
                DType.FLOAT32);
        SplittableRandom random = new SplittableRandom(5);
        try (Decoder decoder = Decoder.random(config, Device.ofRank("cuda"), dtype,
                new Acceleration(true, true, Weights.INT4))) {
            for (int count : ROWS) {
                List<Admission> rows = new ArrayList<>();
                for (int slot = 0; slot < count; slot++) {
                    rows.add(new Admission(slot, random.ints(random.nextInt(1, 40), 0, 2000).toArray(), GREEDY));
                }
                decoder.allocate(new DecoderAllocation(count, 64));
                int[] chosen = decoder.prefill(rows);
                float[][] steps = decoder.stepLogits(count);
                List<Admission> longer = new ArrayList<>();
                for (Admission row : rows) {
                    int[] tokens = Arrays.copyOf(row.tokens(), row.tokens().length + 1);
                    tokens[tokens.length - 1] = chosen[row.slot()];
                    longer.add(new Admission(row.slot(), tokens, GREEDY));
                }
                decoder.allocate(new DecoderAllocation(count, 64));
                float[][] prompts = decoder.firstLogits(longer);
                for (int row = 0; row < count; row++) {
                    assertThat(GoldenRows.error(new float[][]{prompts[row]}, new float[][]{steps[row]}))
                            .as("row %d of %d", row, count).isLessThan(dtype == DType.FLOAT16 ? 4e-3 : 3e-2);
                }
            }
        }
    }

    private static float[][] only(int[] rows, float[][] all) {
        return IntStream.of(rows).mapToObj(row -> all[row]).toArray(float[][]::new);
    }
}
