package dev.lockstep.bench;

import java.util.List;

import org.junit.jupiter.api.Test;

import dev.lockstep.decoder.Acceleration;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.DeviceRates;

import static org.assertj.core.api.Assertions.assertThat;

/** The floor against operations and bytes that are counted one by one. */
class FloorTest {
    private static final int LAYERS = 2;
    private static final int HEAD = 4;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HIDDEN = 8;
    private static final int INTERMEDIATE = 24;
    private static final int VOCABULARY = 100;
    private static final ModelConfig SHAPES = new ModelConfig("llama", HIDDEN, HEADS, KV_HEADS, HEAD, INTERMEDIATE,
            VOCABULARY, 512, false, false, false, false, false, Norms.before(1e-5),
            Attention.alike(LAYERS, HEAD, 0, new Rope(10000, HEAD)), 1, 0, Activation.SILU, DType.BFLOAT16);
    private static final long LAYER_WEIGHTS = HIDDEN * HEAD * (HEADS + 2 * KV_HEADS) + HEADS * HEAD * HIDDEN
            + 3 * HIDDEN * INTERMEDIATE;

    @Test
    void of_rowsThatBeginAlike_isWhatCountingGives() {
        int common = 5;
        int[] prompts = {9, 6, 20};
        int[] outputs = {3, 1, 7};
        long operations = 0;
        long readTokens = 0;
        for (int token = 0; token < common; token++) {
            operations += tokenOperations(token + 1);
        }
        for (int row = 0; row < prompts.length; row++) {
            for (int token = common; token < prompts[row]; token++) {
                operations += tokenOperations(token + 1);
            }
            operations += 2L * VOCABULARY * HIDDEN;
            for (int token = 1; token < outputs[row]; token++) {
                int length = prompts[row] + token;
                operations += tokenOperations(length) + 2L * VOCABULARY * HIDDEN;
                readTokens += length;
            }
        }
        List<Request> rows = List.of(row(0, prompts[0], outputs[0]), row(1, prompts[1], outputs[1]),
                row(2, prompts[2], outputs[2]));
        Floor floor = Floor.of(SHAPES, DType.BFLOAT16, Acceleration.FULL, rows, common, 16);
        assertThat(floor.operations()).isEqualTo(operations);
        long weights = 2 * (LAYERS * LAYER_WEIGHTS + (long) VOCABULARY * HIDDEN);
        assertThat(floor.bytes()).isEqualTo(6 * weights + readTokens * 2 * 2 * LAYERS * KV_HEADS * HEAD);
        // one at a time the steps are as many as all further tokens
        assertThat(Floor.of(SHAPES, DType.BFLOAT16, Acceleration.FULL, rows, common, 1).bytes())
                .isEqualTo(8 * weights + readTokens * 2 * 2 * LAYERS * KV_HEADS * HEAD);
        assertThat(Floor.of(SHAPES, DType.BFLOAT16, new Acceleration(true, true, Acceleration.Weights.FP8, true), rows,
                common, 16).bytes()).isEqualTo(6 * (LAYERS * LAYER_WEIGHTS + 2L * VOCABULARY * HIDDEN)
                        + readTokens * 2 * LAYERS * KV_HEADS * HEAD);
        assertThat(floor.seconds(new DeviceRates(floor.bytes(), floor.operations() / 2))).isEqualTo(2);
        assertThat(floor.seconds(new DeviceRates(floor.bytes() / 3, floor.operations()))).isEqualTo(3);
    }

    private static long tokenOperations(int sees) {
        return 2 * LAYERS * LAYER_WEIGHTS + attention(sees);
    }

    /** Of scores and of sums, with all layers' query heads. */
    private static long attention(int sees) {
        return 2L * 2 * LAYERS * HEADS * HEAD * sees;
    }

    private static Request row(int index, int prompt, int output) {
        return new Request(index, 0, new int[prompt], SamplingParams.greedy(output, List.of()));
    }
}
