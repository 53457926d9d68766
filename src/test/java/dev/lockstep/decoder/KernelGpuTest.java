package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingRefinements;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Routing;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Decode steps by our own kernels against the TorchScript program's, layer by layer on random shapes, weights and rows.
 */
@GpuTest
class KernelGpuTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
    // each case's own: its numbers are the same whatever ran before it
    private final SplittableRandom random = new SplittableRandom(7);
    // head width, query heads, kv heads, tokens a query sees
    private static final int[][] HEADS = {{128, 32, 8, 0}, {64, 14, 2, 0}, {96, 8, 8, 0}, {256, 16, 1, 0},
            {128, 20, 4, 40}, {32, 48, 4, 0}, {16, 8, 2, 7}, {80, 12, 4, 0}};
    private static final int[][] LENGTHS = {{1}, {5, 1, 70}, {3000, 2, 600}, new int[40], new int[150]};

    @ParameterizedTest(name = "{1}: {0}")
    @MethodSource("shapes")
    void step_kernels_computeWhatTheProgramDoes(ModelConfig config, DType dtype) {
        // a row alone may have more of the reference's own rounding
        check(config, dtype, false, dtype == DType.FLOAT32 ? 1e-5 : 1e-2);
    }

    private static Stream<Arguments> shapes() {
        return Arrays.stream(DType.values())
                .flatMap(dtype -> Arrays.stream(HEADS).flatMap(heads -> Stream.of(false, true)
                        .map(qkNorm -> Arguments.of(named(config(heads, qkNorm)), dtype))));
    }

    @ParameterizedTest(name = "fp8 keys and values: {1}, {0}")
    @MethodSource("fp8KvShapes")
    void step_kernelsWithFp8KeysAndValues_computeWhatTheProgramDoes(ModelConfig config, DType dtype) {
        // what is rounded to fp8 the other way differs by a sixteenth
        check(config, dtype, new Acceleration(true, true, Acceleration.Weights.WIDE, true, SameText.OFF), 1.0 / 32);
    }

    /** As rows' tokens are divided where that may not depend on the rows beside them. */
    @ParameterizedTest(name = "same text: {1}, {0}")
    @MethodSource("sameTexts")
    void step_kernelsForTheSameText_computeWhatTheProgramDoes(ModelConfig config, DType dtype, double limit) {
        check(config, dtype, new Acceleration(true, true, Acceleration.Weights.WIDE, false, SameText.ON), limit);
    }

    private static Stream<Arguments> sameTexts() {
        return Stream.concat(
                Arrays.stream(HEADS).map(heads -> Arguments.of(named(config(heads, false)), DType.BFLOAT16, 1e-2)),
                Stream.of(Arguments.of(named(FAMILIES.get("gemma3")), DType.BFLOAT16, 2e-2)));
    }

    private static Stream<Arguments> fp8KvShapes() {
        return Stream.concat(
                Stream.of(config(HEADS[0], false), config(HEADS[2], true), config(HEADS[4], false),
                        config(HEADS[5], false)),
                Stream.of(FAMILIES.get("gemma2"), FAMILIES.get("gemma3"), FAMILIES.get("partial rotation")))
                .flatMap(config -> Stream.of(DType.BFLOAT16, DType.FLOAT16)
                        .map(dtype -> Arguments.of(named(config), dtype)));
    }

    /** Rows that begin alike, which our kernels take together, in groups of many sizes, and rows that do not. */
    @ParameterizedTest(name = "shared beginnings: {1}, {0}, {2}")
    @MethodSource("sharing")
    void step_rowsThatBeginAlike_areComputedAsTheProgramDoes(ModelConfig config, DType dtype, boolean fp8Kv,
            double limit) {
        int[][] groups = {{40, 330}, {1, 100}, {2, 70}, {7, 64}, {1, 0}, {90, 160}, {3, 1040}};
        double worst = 0;
        try (Decoder decoder = Decoder.random(config, Device.ofRank("cuda"), dtype,
                new Acceleration(true, true, Acceleration.Weights.WIDE, fp8Kv, SameText.OFF))) {
            decoder.shareFrom(0);
            int rows = Arrays.stream(groups).mapToInt(group -> group[0]).sum();
            decoder.allocate(new DecoderAllocation(rows, 1200));
            int slot = 0;
            for (int[] group : groups) {
                int[] beginning = random.ints(group[1], 0, config.vocabulary()).toArray();
                for (int i = 0; i < group[0]; i++, slot++) {
                    int[] prompt = Arrays.copyOf(beginning, group[1] + random.nextInt(1, 90));
                    for (int t = group[1]; t < prompt.length; t++) {
                        prompt[t] = random.nextInt(config.vocabulary());
                    }
                    decoder.attach(slot, prompt, prompt.length);
                    decoder.prefill(
                            List.of(new Admission(slot, prompt, decoder.shared(prompt, prompt.length), prompt.length,
                                    GREEDY)));
                }
            }
            for (int layer : new int[]{1, 2, 3, -1}) {
                float[][][] both = decoder.compareStep(rows, layer);
                for (int row = 0; row < rows; row++) {
                    worst = Math.max(worst,
                            GoldenRows.error(new float[][]{both[0][row]}, new float[][]{both[1][row]}));
                }
            }
            assertThat(decoder.sharedItems()).as("what is taken together").isPositive();
        }
        assertThat(worst).as("error of the worst row").isLessThan(limit);
    }

    private static Stream<Arguments> sharing() {
        Stream<Arguments> shapes = Arrays.stream(HEADS).filter(heads -> heads[0] % 32 == 0 && heads[3] == 0)
                .flatMap(heads -> Stream.of(false, true).map(qkNorm -> Arguments.of(named(config(heads, qkNorm)),
                        qkNorm ? DType.FLOAT16 : DType.BFLOAT16, false, 3e-2)));
        return Stream.concat(shapes, Stream.of(
                Arguments.of(named(config(HEADS[0], false)), DType.BFLOAT16, true, 3.0 / 32),
                Arguments.of(named(config(HEADS[2], true)), DType.FLOAT16, true, 3.0 / 32),
                Arguments.of(Named.of("gemma2", FAMILIES.get("gemma2")), DType.BFLOAT16, false, 6e-2)));
    }

    /** In two pieces, of which the second sees the first in the cache, against the program's pass over the whole. */
    @ParameterizedTest(name = "prompts: {0}, {1}, {2}")
    @MethodSource("prefills")
    void prefill_kernels_computeWhatTheProgramDoes(ModelConfig config, DType dtype, Acceleration acceleration,
            double limit) {
        try (Decoder decoder = Decoder.random(config, Device.ofRank("cuda"), dtype, acceleration)) {
            int[] lengths = {2, 5, 70, 300, 17, 33};
            decoder.allocate(new DecoderAllocation(lengths.length, 320));
            List<Admission> first = new ArrayList<>();
            List<Admission> second = new ArrayList<>();
            List<Admission> whole = new ArrayList<>();
            for (int slot = 0; slot < lengths.length; slot++) {
                int[] prompt = random.ints(lengths[slot], 0, config.vocabulary()).toArray();
                int cut = prompt.length / 2;
                first.add(new Admission(slot, prompt, 0, cut, GREEDY));
                second.add(new Admission(slot, prompt, cut, prompt.length, GREEDY));
                whole.add(new Admission(slot, prompt, GREEDY));
            }
            decoder.prefill(first);
            float[][] pieces = decoder.firstLogits(second);
            float[][] reference = decoder.programLogits(whole);
            assertThat(GoldenRows.error(reference, pieces)).as("error of pieces").isLessThan(limit);
            float[][] together = decoder.firstLogits(whole);
            assertThat(GoldenRows.error(reference, together)).as("error of whole prompts").isLessThan(limit);
        }
    }

    /** In slots that are not in the rows' order, and twice, since a choice leaves its traces. */
    @Test
    void prefill_firstTokens_areThoseOfTheProgramsChoice() {
        ModelConfig config = config(HEADS[0], false);
        try (Decoder decoder = Decoder.random(config, Device.ofRank("cuda"), DType.BFLOAT16, Acceleration.FULL)) {
            decoder.allocate(new DecoderAllocation(40, 64, 0, 2, true, 0));
            List<Admission> rows = new ArrayList<>();
            for (int row = 0; row < 37; row++) {
                int[] prompt = random.ints(1 + row % 20, 0, config.vocabulary()).toArray();
                rows.add(new Admission((row * 7 + 3) % 40, prompt, row % 5 == 0
                        ? GREEDY
                        : new RowSampling(false, 0.5 + row / 20.0, row % 3 * 20, row % 2 == 0 ? 1 : 0.8, 0,
                                row % 4 == 1 ? 1.3 : 1, row % 4 == 2 ? 0.5 : 0, 0, row % 2,
                                new int[]{prompt[0], 7}, row, false, SamplingRefinements.NONE)));
            }
            int[] expected = decoder.programTokens(rows);
            assertThat(decoder.prefill(rows)).isEqualTo(expected);
            assertThat(decoder.prefill(rows)).isEqualTo(expected);
            assertThat(Arrays.stream(expected).distinct().count()).isGreaterThan(20);
        }
    }

    private static Stream<Arguments> prefills() {
        Acceleration plain = new Acceleration(true, true, Acceleration.Weights.WIDE, false, SameText.OFF);
        Acceleration fp8 = new Acceleration(true, true, Acceleration.Weights.FP8, false, SameText.OFF);
        Acceleration same = new Acceleration(true, true, Acceleration.Weights.WIDE, false, SameText.ON);
        Acceleration fp8Kv = new Acceleration(true, true, Acceleration.Weights.WIDE, true, SameText.OFF);
        Stream<Arguments> shapes = Arrays.stream(HEADS).flatMap(heads -> Stream.of(false, true).map(qkNorm -> Arguments
                .of(named(config(heads, qkNorm)), qkNorm ? DType.FLOAT16 : DType.BFLOAT16, plain, 1e-2)));
        Stream<Arguments> families = FAMILIES.entrySet().stream().filter(family -> !family.getKey().equals("gemma2"))
                .map(family -> Arguments.of(Named.of(family.getKey(), family.getValue()), DType.BFLOAT16, plain, 2e-2));
        Stream<Arguments> quantized = Stream.of(
                Arguments.of(named(config(HEADS[0], false)), DType.BFLOAT16, same, 1e-2),
                Arguments.of(Named.of("gemma3", FAMILIES.get("gemma3")), DType.BFLOAT16, same, 2e-2),
                Arguments.of(named(config(HEADS[0], false)), DType.BFLOAT16, fp8, 1.0 / 16),
                Arguments.of(named(config(HEADS[2], true)), DType.BFLOAT16, fp8, 1.0 / 16),
                // of seven random weights and prompts on an H100 0.0997 to 0.143
                Arguments.of(Named.of("gemma3", FAMILIES.get("gemma3")), DType.BFLOAT16, fp8, 3.0 / 16),
                Arguments.of(Named.of("olmo2", FAMILIES.get("olmo2")), DType.BFLOAT16, fp8, 1.0 / 8),
                Arguments.of(named(config(HEADS[0], false)), DType.BFLOAT16, fp8Kv, 1.0 / 32),
                Arguments.of(named(config(HEADS[4], true)), DType.FLOAT16, fp8Kv, 1.0 / 32),
                // norms of what is added bring its rounding to the size of all else: on an H100 0.037
                Arguments.of(Named.of("gemma3", FAMILIES.get("gemma3")), DType.BFLOAT16, fp8Kv, 1.0 / 16));
        return Stream.of(shapes, families, quantized).flatMap(each -> each);
    }

    @ParameterizedTest(name = "{2}, {1}")
    @MethodSource("families")
    void step_kernelsForOtherFamilies_computeWhatTheProgramDoes(ModelConfig config, DType dtype, String what) {
        // where what is added is normed first, the program rounds it to 16 bits before and after: on an H100 0.011 and 0.015
        double limit = dtype == DType.FLOAT32 ? 1e-5 : config.norms().after() ? 2e-2 : 1e-2;
        check(config, dtype, false, limit);
    }

    @ParameterizedTest(name = "fp8: {1}")
    @MethodSource("fp8Families")
    void step_kernelsForOtherFamiliesWithFp8Weights_computeWhatTheProgramDoes(ModelConfig config, String what) {
        // and norms bring what was small, and as coarse, to the size of all else: on an H100 0.066 to 0.088
        check(config, DType.BFLOAT16, true, 1.0 / 8);
    }

    private static Stream<Arguments> families() {
        return FAMILIES.entrySet().stream().flatMap(family -> Stream.of(DType.values())
                .map(dtype -> Arguments.of(family.getValue(), dtype, family.getKey())));
    }

    private static Stream<Arguments> fp8Families() {
        return Stream.of("gemma2", "gemma3", "olmo2", "layer norms and one projection alone",
                "learned positions, a bias of logits", "side by side, two norms", "side by side, one norm",
                "heads with norms of their own").map(name -> Arguments.of(FAMILIES.get(name), name));
    }

    private static final Map<String, ModelConfig> FAMILIES = families(
            new Norms(1e-6, true, true, QkNorm.NONE, true, true));

    private static Map<String, ModelConfig> families(Norms gemma) {
        Rope full = new Rope(10000, 64);
        Rope wide = new Rope(1e6, 256, new Rope.Linear(8, false));
        Attention wide64 = Attention.alike(3, 64, 0, full);
        Norms layer = new Norms(1e-5, true, false, QkNorm.NONE, false, false, NormForm.LAYER_WITH_BIAS,
                Residual.IN_TURN);
        Map<String, ModelConfig> more = Map.of(
                "layer norms and one projection alone", ends(layer, wide64, Activation.GELU_TANH_ALONE, Ends.NONE),
                "ReLU squared", ends(layer, wide64, Activation.SQUARED_RELU_ALONE, Ends.NONE),
                "side by side, two norms", ends(with(layer, Residual.PARALLEL), Attention.alike(3, 64, 0,
                        new Rope(10000, 16)), Activation.GELU_ALONE, Ends.NONE),
                "side by side, one norm", ends(new Norms(1e-5, true, false, QkNorm.NONE, false, false, NormForm.LAYER,
                        Residual.PARALLEL_WITH_ONE_NORM), wide64, Activation.SILU, Ends.NONE),
                "learned positions, a bias of logits", ends(layer, Attention.alike(3, 64, 0, null),
                        Activation.RELU_ALONE, new Ends(3200, 2, true)),
                "heads that turn normed without a weight", family(64, 8, 2,
                        Norms.before(1e-5).with(QkNorm.TURNED_WITHOUT_WEIGHT), new Attention(1 / 8.0, 0,
                                List.of(new Layer(0, full), new Layer(0, null), new Layer(0, full))),
                        1, 0, Activation.SILU),
                "heads with norms of their own", family(64, 8, 2,
                        Norms.before(1e-5).with(QkNorm.EACH_HEAD_ITS_OWN), wide64, 1, 0, Activation.SILU),
                "heads normed when they have turned", family(64, 8, 2,
                        Norms.before(1e-5).with(QkNorm.EACH_HEAD_TURNED), wide64, 1, 0, Activation.SILU));
        Map<String, ModelConfig> all = new TreeMap<>(more);
        all.putAll(Map.of(
                "gemma2", family(64, 8, 4, gemma, new Attention(1 / 16.0, 50, List.of(new Layer(40, full),
                        new Layer(0, full), new Layer(40, full))), 22.625, 30, Activation.GELU_TANH),
                "gemma3", family(256, 4, 1, gemma.with(QkNorm.EACH_HEAD), new Attention(1 / 16.0, 0,
                        List.of(new Layer(64, new Rope(10000, 256)), new Layer(64, new Rope(10000, 256)),
                                new Layer(0, wide))),
                        16, 0, Activation.GELU_TANH),
                "olmo2", family(64, 8, 8, new Norms(1e-6, false, true, QkNorm.ALL_HEADS, false, false),
                        Attention.alike(3, 64, 0, full), 1, 0, Activation.SILU),
                "smollm3", family(64, 8, 2, Norms.before(1e-6), new Attention(1 / 8.0, 0, List.of(new Layer(0, full),
                        new Layer(0, null), new Layer(0, full))), 1, 0, Activation.SILU),
                "partial rotation", family(96, 8, 2, Norms.before(1e-5),
                        Attention.alike(3, 96, 0, new Rope(10000, 24)), 1, 0, Activation.SILU),
                "partial rotation, normed heads", family(64, 6, 2, Norms.before(1e-5).with(QkNorm.EACH_HEAD),
                        Attention.alike(3, 64, 0, new Rope(10000, 16)), 1, 0, Activation.SILU)));
        return all;
    }

    private static Norms with(Norms norms, Residual residual) {
        return new Norms(norms.eps(), norms.before(), norms.after(), norms.qk(), norms.wide(), norms.addOne(),
                norms.form(), residual);
    }

    /** With biases everywhere. */
    private static ModelConfig ends(Norms norms, Attention attention, Activation activation, Ends ends) {
        return new ModelConfig("llama", 512, 8, 2, 64, 800, 1500, 4096, false, true, true, true,
                ModelConfig.Stored.plain(false), norms, attention, 1, 0, activation, DType.FLOAT32, null, ends);
    }

    private static ModelConfig family(int headDim, int heads, int kvHeads, Norms norms, Attention attention,
            double embeddingScale, double finalSoftcap, Activation activation) {
        return new ModelConfig("llama", 512, heads, kvHeads, headDim, 800, 1500, 4096, false, false, false, false,
                false, norms, attention, embeddingScale, finalSoftcap, activation, DType.FLOAT32);
    }

    /** Where the next best expert is hardly worse the other one may be chosen, which is no error, but hardly ever is. */
    @ParameterizedTest(name = "{1}, {2}")
    @MethodSource("mixtures")
    void step_kernelsForMixtures_computeWhatTheProgramDoes(ModelConfig config, String what,
            Acceleration.Weights weights) {
        double limit = mixtureLimit(weights);
        try (Decoder decoder = mixture(config, weights)) {
            for (int[] lengths : LENGTHS) {
                // of three rows each alone one may go another way
                int turns = lengths.length == 1 ? 3 : 1;
                Map<Integer, double[]> byLayer = new TreeMap<>();
                for (int turn = 0; turn < turns; turn++) {
                    bring(decoder, lengths, config.vocabulary());
                    for (int layer : new int[]{1, 2, 3, -1}) {
                        float[][][] both = decoder.compareStep(lengths.length, layer);
                        byLayer.merge(layer, GoldenRows.errors(both[0], both[1]), (one, other) -> DoubleStream
                                .concat(Arrays.stream(one), Arrays.stream(other)).sorted().toArray());
                    }
                }
                byLayer.forEach((layer, errors) -> {
                    assertThat(errors[errors.length / 2]).as("%d rows, layer %d: the error in the middle of %s",
                            lengths.length, layer, Arrays.toString(errors)).isLessThan(limit);
                    assertThat(Arrays.stream(errors).filter(error -> error > 3 * limit).count())
                            .as("%d rows, layer %d: other experts in %s", lengths.length, layer,
                                    Arrays.toString(errors))
                            .isLessThanOrEqualTo(lengths.length / 8 + 1);
                });
            }
        }
    }

    @ParameterizedTest(name = "{1}, {2}")
    @MethodSource("mixtures")
    void prefill_kernelsForMixtures_computeWhatTheProgramDoes(ModelConfig config, String what,
            Acceleration.Weights weights) {
        double limit = mixtureLimit(weights);
        try (Decoder decoder = mixture(config, weights)) {
            decoder.allocate(new DecoderAllocation(64, 320));
            List<Admission> rows = new ArrayList<>();
            for (int slot = 0; slot < 64; slot++) {
                rows.add(new Admission(slot, random.ints(random.nextInt(1, 40), 0, config.vocabulary()).toArray(),
                        GREEDY));
            }
            double[] errors = GoldenRows.errors(decoder.programLogits(rows), decoder.firstLogits(rows));
            assertThat(errors[errors.length / 2]).as("the error in the middle of %s", Arrays.toString(errors))
                    .isLessThan(limit);
            assertThat(errors[errors.length * 3 / 4]).as("the error of three quarters").isLessThan(3 * limit);
        }
    }

    /** Random prompts of these lengths, or of any where it is 0. */
    private void bring(Decoder decoder, int[] lengths, int vocabulary) {
        decoder.allocate(new DecoderAllocation(lengths.length, 3100));
        for (int slot = 0; slot < lengths.length; slot++) {
            int length = lengths[slot] == 0 ? random.nextInt(1, 130) : lengths[slot];
            decoder.prefill(
                    List.of(new Admission(slot, random.ints(length, 0, vocabulary).toArray(), GREEDY)));
        }
    }

    private static Decoder mixture(ModelConfig config, Acceleration.Weights weights) {
        return Decoder.random(config, Device.ofRank("cuda"), DType.BFLOAT16,
                new Acceleration(true, true, weights, false, SameText.OFF));
    }

    private static double mixtureLimit(Acceleration.Weights weights) {
        return weights == Acceleration.Weights.FP8 ? 1.0 / 16 : 1e-2;
    }

    private static Stream<Arguments> mixtures() {
        Routing sigmoid = new Routing(4, true, true, 1, 1, 1.5);
        Map<String, ModelConfig> models = new TreeMap<>(Map.of(
                "qwen3_moe, a few experts of many",
                mixture(experts(128, 192, Routing.softmax(8, true), 0, false), Activation.SILU),
                "32 experts, shares of all", mixture(experts(32, 320, Routing.softmax(4, false), 0, false),
                        Activation.SILU),
                "mixtral, of two shares", mixture(experts(8, 416, Routing.softmax(2, true), 0, false),
                        Activation.SILU),
                "glm4_moe, by sigmoids, one for all, one layer plain",
                mixture(experts(24, 128, sigmoid, 96, false), Activation.SILU),
                "llama4, of scaled input, one for all", mixture(
                        experts(16, 192, sigmoid, 96, false).ofScaledInput(), Activation.SILU),
                "gpt_oss, with biases", mixture(experts(32, 192, Routing.softmax(4, true), 0, true),
                        Activation.CLAMPED)));
        return models.entrySet().stream()
                .flatMap(model -> Stream.of(Acceleration.Weights.WIDE, Acceleration.Weights.FP8,
                        Acceleration.Weights.AS_STORED)
                        // random ones are stored as the family's are, which is in 4 bits or wide
                        .filter(weights -> weights != Acceleration.Weights.AS_STORED
                                || Objects.requireNonNull(model.getValue().experts()).byTurns())
                        .map(weights -> Arguments.of(model.getValue(), model.getKey(), weights)));
    }

    private static Experts experts(int count, int width, Routing routing, int shared, boolean biased) {
        return new Experts(count, width, routing, shared, false, biased, biased, biased, biased, false,
                shared > 0 ? Set.of(0) : Set.of());
    }

    private static ModelConfig mixture(Experts experts, Activation activation) {
        return new ModelConfig("qwen3_moe", 512, 8, 2, 64, 800, 1500, 4096, false, false, false, false,
                ModelConfig.Stored.plain(false), Norms.before(1e-6).with(QkNorm.EACH_HEAD),
                Attention.alike(3, 64, 0, new Rope(10000, 64)), 1, 0, activation, DType.BFLOAT16, experts,
                Ends.NONE);
    }

    @ParameterizedTest(name = "fp8: {0}")
    @MethodSource("fp8Shapes")
    void step_kernelsWithFp8Weights_computeWhatTheProgramDoes(ModelConfig config) {
        // a value that is rounded to fp8 the other way differs by a sixteenth; of 26 random shapes on an H100 the errors
        // were 0.031 to 0.0501
        check(config, DType.BFLOAT16, true, 1.0 / 16);
    }

    private static Stream<Arguments> fp8Shapes() {
        return Stream.of(config(HEADS[0], false), config(HEADS[2], true), biased(config(HEADS[0], false)))
                .map(config -> Arguments.of(named(config)));
    }

    private static ModelConfig biased(ModelConfig config) {
        return new ModelConfig(config.family(), config.hidden(), config.heads(), config.kvHeads(), config.headDim(),
                config.intermediate(), config.vocabulary(), config.contextLength(), false, true, true, true, false,
                config.norms(), config.attention(), 1, 0, config.activation(), config.dtype());
    }

    private static Named<ModelConfig> named(ModelConfig config) {
        return Named.of(String.format(Locale.ROOT, "hidden %d, heads %d of %d, kv %d, q/k norm %s, window %d%s",
                config.hidden(), config.heads(), config.headDim(), config.kvHeads(), config.norms().qk(),
                config.attention().layers().get(0).window(), config.mlpBias() ? ", biases" : ""), config);
    }

    private static ModelConfig config(int[] heads, boolean qkNorm) {
        SplittableRandom random = new SplittableRandom(Arrays.hashCode(heads) + (qkNorm ? 1 : 0));
        Rope rope = new Rope(10000, heads[0]);
        return new ModelConfig("llama", 64 * random.nextInt(4, 12), heads[1], heads[2], heads[0],
                32 * random.nextInt(5, 30), random.nextInt(1000, 3000), 4096, false, false, false, false, false,
                Norms.before(1e-5).with(qkNorm ? QkNorm.EACH_HEAD : QkNorm.NONE),
                Attention.alike(3, heads[0], heads[3], rope), 1, 0, Activation.SILU, DType.FLOAT32);
    }

    private void check(ModelConfig config, DType dtype, boolean fp8, double limit) {
        check(config, dtype,
                new Acceleration(true, true, fp8 ? Acceleration.Weights.FP8 : Acceleration.Weights.WIDE, false,
                        SameText.OFF),
                limit);
    }

    private void check(ModelConfig config, DType dtype, Acceleration acceleration, double limit) {
        double worst = 0;
        double worstRow = 0;
        try (Decoder decoder = Decoder.random(config, Device.ofRank("cuda"), dtype, acceleration)) {
            for (int[] lengths : LENGTHS) {
                bring(decoder, lengths, config.vocabulary());
                // the embedding, each layer, the logits
                for (int layer : new int[]{0, 1, 2, 3, -1}) {
                    float[][][] both = decoder.compareStep(lengths.length, layer);
                    worst = Math.max(worst, GoldenRows.error(both[0], both[1]));
                    for (int row = 0; row < both[0].length; row++) {
                        worstRow = Math.max(worstRow,
                                GoldenRows.error(new float[][]{both[0][row]}, new float[][]{both[1][row]}));
                    }
                }
            }
        }
        assertThat(worst).as("error of all rows").isLessThan(limit);
        assertThat(worstRow).as("error of the worst row").isLessThan(3 * limit);
    }
}
