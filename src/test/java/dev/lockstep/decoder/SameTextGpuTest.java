package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code --same-text}: a row's logits are the same bits whoever is beside it: alone, among 2 to 512, with its beginning computed or
 * found in the cache, and with its prompt in one piece or several.
 */
@GpuTest
class SameTextGpuTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
    /** Of prompts; the first of each two lines begin alike. */
    private static final int[] LENGTHS = {330, 331, 345, 400, 512, 513, 767, 768, 769, 1000, 1500, 2500, 4090, 4097,
            4200, 5000,
            1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 64, 100, 128, 200, 255, 256, 257, 1100, 3000};
    private static final int ALIKE = 16;
    private static final int BEGINNING = 320;
    private static final int[] ROWS = {1, 2, 3, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 96, 100, 128, 129, 160, 200,
            255, 256,
            300, 384, 500, 512};
    private static final int STEPS = 3;
    private static final int MOST = 512;

    @ParameterizedTest(name = "{0}, {2}")
    @MethodSource("models")
    void logits_whoeverIsBeside_areTheSameBits(ModelConfig config, DType dtype, Acceleration acceleration) {
        SplittableRandom random = new SplittableRandom(11);
        int[] beginning = random.ints(BEGINNING, 0, config.vocabulary()).toArray();
        List<int[]> prompts = new ArrayList<>();
        for (int row = 0; row < MOST; row++) {
            // most of them short
            int length = row < LENGTHS.length ? LENGTHS[row] : row % 3 == 0 ? 330 + row % 20 : 1 + row % 130;
            int[] prompt = random.ints(length, 0, config.vocabulary()).toArray();
            if (row < ALIKE || row >= LENGTHS.length && row % 3 == 0) {
                System.arraycopy(beginning, 0, prompt, 0, BEGINNING);
            }
            prompts.add(prompt);
        }
        List<float[]> first = new ArrayList<>();
        List<float[]> later = new ArrayList<>();
        try (Decoder decoder = Decoder.random(config, Device.ofRank("cuda"), dtype, acceleration)) {
            for (int row = 0; row < LENGTHS.length; row++) {
                decoder.allocate(new DecoderAllocation(1, 5100));
                decoder.prefill(List.of(new Admission(0, prompts.get(row), GREEDY)));
                first.add(decoder.firstLogits()[0]);
                decoder.step(1, STEPS);
                later.add(decoder.stepLogits(1)[0]);
            }
            List<String> others = new ArrayList<>();
            // by pieces of each prompt; 0: as many tokens of it as are not in the cache
            for (int pieces : new int[]{1, 3, 0}) {
                String how = pieces == 0 ? "beginnings found" : pieces + " pieces";
                decoder.allocate(new DecoderAllocation(MOST, 5100));
                float[][] begun = bring(decoder, prompts, pieces);
                compare(first, begun, LENGTHS.length, how + ", first token", others);
                decoder.step(MOST, STEPS);
                float[][] all = decoder.stepLogits(MOST);
                for (int rows : ROWS) {
                    float[][] some = decoder.stepLogits(rows);
                    compare(later, some, Math.min(rows, LENGTHS.length), how + ", " + rows + " rows", others);
                    compare(List.of(all), some, rows, how + ", " + rows + " rows and all", others);
                }
            }
            assertThat(others).as("where logits are others").isEmpty();
        }
    }

    private static void compare(List<float[]> expected, float[][] actual, int rows, String how, List<String> others) {
        List<Integer> differ = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            if (!Arrays.equals(expected.get(row), actual[row])) {
                differ.add(row);
            }
        }
        if (!differ.isEmpty()) {
            others.add(
                    how + ": " + differ.size() + " of " + rows + ", " + differ.subList(0, Math.min(8, differ.size())));
        }
    }

    /** Several prompts at a time, as a job brings them. */
    private static float[][] bring(Decoder decoder, List<int[]> prompts, int pieces) {
        List<float[]> logits = new ArrayList<>();
        for (int from = 0, to; from < prompts.size(); from = to) {
            int tokens = 0;
            for (to = from; to < prompts.size() && tokens < 8000; to++) {
                tokens += prompts.get(to).length;
            }
            if (pieces == 0) {
                to = from + 1;
            }
            List<Admission> last = new ArrayList<>();
            for (int piece = 1; piece <= Math.max(1, pieces); piece++) {
                List<Admission> now = new ArrayList<>();
                for (int slot = from; slot < to; slot++) {
                    int[] prompt = prompts.get(slot);
                    int begin = prompt.length * (piece - 1) / Math.max(1, pieces);
                    int end = prompt.length * piece / Math.max(1, pieces);
                    if (pieces == 0) {
                        decoder.attach(slot, prompt, prompt.length);
                        begin = decoder.shared(prompt, prompt.length);
                    }
                    if (end > begin) {
                        now.add(new Admission(slot, prompt, begin, end, GREEDY));
                    }
                }
                if (piece < pieces && !now.isEmpty()) {
                    decoder.prefill(now);
                }
                last = now;
            }
            decoder.prefill(last);
            logits.addAll(List.of(decoder.firstLogits()));
        }
        return logits.toArray(float[][]::new);
    }

    private static Stream<Arguments> models() {
        Acceleration plain = new Acceleration(true, true, Weights.WIDE, false, SameText.ON);
        Acceleration fp8 = new Acceleration(true, true, Weights.FP8, false, SameText.ON);
        Acceleration fp8Kv = new Acceleration(true, true, Weights.WIDE, true, SameText.ON);
        Named<ModelConfig> llama = Named.of("8B's widths",
                new ModelConfig("llama", 4096, 32, 8, 128, 14336, 8192, 8192, false,
                        false, false, false, false, Norms.before(1e-5),
                        Attention.alike(2, 128, 0, new Rope(500000, 128)), 1, 0,
                        Activation.SILU, DType.BFLOAT16));
        Rope wide = new Rope(1e6, 256, new Rope.Linear(8, false));
        Named<ModelConfig> gemma = Named.of("gemma3",
                new ModelConfig("llama", 2560, 8, 4, 256, 10240, 8192, 8192, false, false,
                        false, false, false, new Norms(1e-6, true, true, QkNorm.EACH_HEAD, true, true),
                        new Attention(1 / 16.0, 0,
                                List.of(new Layer(1024, new Rope(10000, 256)), new Layer(1024, new Rope(10000, 256)),
                                        new Layer(0, wide))),
                        16, 0, Activation.GELU_TANH, DType.BFLOAT16));
        Named<ModelConfig> qwen = Named.of("qwen2.5-0.5b with an odd vocabulary",
                new ModelConfig("llama", 896, 14, 2, 64, 4864, 8189, 8192, true, false, false, false, true,
                        Norms.before(1e-6), Attention.alike(2, 64, 0, new Rope(1e6, 64)), 1, 0, Activation.SILU,
                        DType.BFLOAT16));
        Named<ModelConfig> mixture = Named.of("a mixture with a shared expert",
                new ModelConfig("qwen3_moe", 1024, 16, 4, 64, 2048, 8192, 8192, false, false, false, false,
                        ModelConfig.Stored.plain(false), Norms.before(1e-6).with(QkNorm.EACH_HEAD),
                        Attention.alike(3, 64, 0, new Rope(1e6, 64)), 1, 0, Activation.SILU, DType.BFLOAT16,
                        new ModelConfig.Experts(48, 384, ModelConfig.Routing.softmax(4, true), 512, true, false, false,
                                false, false, false, Set.of(0)),
                        ModelConfig.Ends.NONE));
        Named<ModelConfig> parallel = Named.of("side by side, with layer norms",
                new ModelConfig("llama", 1024, 16, 4, 64, 4096, 8192, 8192, false, true, true, true, false,
                        new Norms(1e-5, true, false, QkNorm.NONE, false, false,
                                ModelConfig.NormForm.LAYER_WITH_BIAS, ModelConfig.Residual.PARALLEL),
                        Attention.alike(3, 64, 0, new Rope(1e6, 16)), 1, 0, Activation.GELU_ALONE, DType.BFLOAT16));
        return Stream.of(Arguments.of(mixture, DType.BFLOAT16, plain), Arguments.of(mixture, DType.BFLOAT16, fp8),
                Arguments.of(parallel, DType.BFLOAT16, plain), Arguments.of(llama, DType.BFLOAT16, plain),
                Arguments.of(llama, DType.BFLOAT16, fp8),
                Arguments.of(llama, DType.BFLOAT16, fp8Kv), Arguments.of(llama, DType.FLOAT16, plain),
                Arguments.of(qwen, DType.BFLOAT16, plain), Arguments.of(gemma, DType.BFLOAT16, plain));
    }
}
