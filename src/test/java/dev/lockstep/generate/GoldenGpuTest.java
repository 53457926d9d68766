package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** The golden cases and the trained model on a GPU. */
@GpuTest
class GoldenGpuTest {
    private static final Device DEVICE = new Device("cuda:0");
    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void generate_greedyInFloat32_equalsTransformersForEveryBatchSize(String family, @TempDir Path scratch) {
        JsonNode cases = Golden.expected(family).get("cases");
        generate(family, DType.FLOAT32, scratch, (way, completions) -> {
            for (Completion completion : completions) {
                assertThat(completion.tokenIds()).as("%s, prompt %d", way, completion.index())
                        .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
            }
        });
    }

    /** In 16 bits these random models go their own way sooner or later, so only that each prompt is continued is held. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void generate_greedyInBfloat16_continuesEveryPromptForEveryBatchSize(String family, @TempDir Path scratch) {
        generate(family, DType.BFLOAT16, scratch,
                (way, completions) -> assertThat(completions).as(way).allSatisfy(completion -> {
                    assertThat(completion.error()).isNull();
                    assertThat(completion.tokenIds()).isNotEmpty();
                }));
    }

    /** With the program and with the kernels, prompts whole and in pieces between which other rows decode. */
    private static void generate(String family, DType dtype, Path scratch,
            BiConsumer<String, List<Completion>> check) {
        List<Request> requests = Golden.requests(Golden.expected(family).get("cases"),
                SamplingParams.greedy(40, List.of()));
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        for (boolean kernels : new boolean[]{false, true}) {
            try (Generator generator = Generator.load(checkpoint, DEVICE, dtype,
                    new Acceleration(true, kernels, Weights.WIDE))) {
                for (int piece : new int[]{2048, 5}) {
                    generator.prefillTokens(piece);
                    for (int batchSize : new int[]{1, 4, 10}) {
                        List<Completion> completions = generator.generate(requests, batchSize);
                        assertThat(completions).hasSameSizeAs(requests);
                        check.accept("%s, kernels %s, pieces of %d, batches of %d".formatted(family, kernels, piece,
                                batchSize), completions);
                    }
                }
            }
        }
    }

    @ParameterizedTest(name = "{0}, greedy {1}, kernels {2}")
    @MethodSource("trainedRuns")
    void generate_trainedModel_doesNotDependOnGraphsAndHardlyOnTheBatch(DType dtype, boolean greedy, boolean kernels) {
        Checkpoint kjv = Checkpoint.open(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m"));
        List<int[]> plain = kjv(kjv, dtype, greedy, false, kernels, 64);
        List<int[]> graph = kjv(kjv, dtype, greedy, true, kernels, 64);
        List<int[]> alone = kjv(kjv, dtype, greedy, true, kernels, 1);
        assertThat(agreement(plain, graph)).as("the same tokens with graphs and without").isEqualTo(1);
        assertThat(agreement(alone, graph)).as("the same tokens with a batch of 1 and of 64")
                .isGreaterThanOrEqualTo(dtype == DType.FLOAT32 ? 1 : 0.95);
    }

    /** What a thread's first generator sets up must not be what the others need. */
    @Test
    void generate_withoutGraphsInAThreadThatHadNone_givesTheSameTokens() throws Exception {
        Checkpoint kjv = Checkpoint.open(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m"));
        FutureTask<List<int[]>> plain = new FutureTask<>(() -> kjv(kjv, DType.BFLOAT16, true, false, true, 64));
        Thread fresh = new Thread(plain);
        fresh.start();
        assertThat(agreement(plain.get(), kjv(kjv, DType.BFLOAT16, true, true, true, 64))).isEqualTo(1);
        fresh.join();
    }

    private static Stream<Arguments> trainedRuns() {
        return Arrays.stream(DType.values()).flatMap(dtype -> Stream.of(true, false)
                .flatMap(greedy -> Stream.of(true, false).map(kernels -> Arguments.of(dtype, greedy, kernels))));
    }

    /**
     * What a 16-bit type computes is not transformers' float32, but that its steps are recorded must change nothing.
     */
    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"llama-gqa, FLOAT32", "llama-gqa, BFLOAT16", "mistral-sliding, FLOAT32", "mistral-sliding, BFLOAT16"})
    void generate_logprobs_equalTransformersOrThoseWithoutGraphs(String family, DType dtype, @TempDir Path scratch) {
        JsonNode cases = Golden.json("logprobs-" + family + ".json").get("cases");
        SamplingParams params = SamplingParams.builder(40).greedy(true).logprobs(5).build();
        List<Request> requests = Golden.requests(cases, params);
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        List<TokenLogprobs> recorded = logprobs(checkpoint, requests, dtype, true);
        List<TokenLogprobs> called = logprobs(checkpoint, requests, dtype, false);
        assertThat(recorded).hasSize(40 * cases.size());
        for (int i = 0; i < recorded.size(); i++) {
            TokenLogprobs token = recorded.get(i);
            double expected = dtype == DType.FLOAT32
                    ? cases.get(i / 40).get("logprobs").get(i % 40).asDouble()
                    : called.get(i).chosen();
            assertThat((double) token.chosen()).as("token %d of prompt %d", i % 40, i / 40)
                    .isCloseTo(expected, within(1e-4));
            assertThat(token.best()[0]).isEqualTo(token.chosen());
        }
    }

    private static List<TokenLogprobs> logprobs(Checkpoint checkpoint, List<Request> requests, DType dtype,
            boolean graphs) {
        try (Generator generator = Generator.load(checkpoint, DEVICE, dtype,
                new Acceleration(graphs, true, Weights.WIDE))) {
            return generator.generate(requests, 4).stream().flatMap(row -> row.logprobs().stream()).toList();
        }
    }

    private static List<int[]> kjv(Checkpoint checkpoint, DType dtype, boolean greedy, boolean graphs,
            boolean kernels, int batchSize) {
        SamplingParams params = SamplingParams.builder(50).greedy(greedy).temperature(0.8).topP(0.95).ignoreEos(true)
                .build();
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            JsonNode golden = Golden.expected("llama-gqa").get("cases").get(i % 10);
            prompts.add(golden.get("prompt").asText().substring(i / 10));
        }
        try (Generator generator = Generator.load(checkpoint, DEVICE, dtype,
                new Acceleration(graphs, kernels, Weights.WIDE))) {
            return generator.complete(prompts, params, batchSize).stream().map(Completion::tokenIds).toList();
        }
    }

    /** The share of tokens before the first difference of each row. */
    private static double agreement(List<int[]> a, List<int[]> b) {
        int same = 0;
        int all = 0;
        for (int i = 0; i < a.size(); i++) {
            int at = Arrays.mismatch(a.get(i), b.get(i));
            same += at < 0 ? a.get(i).length : at;
            all += a.get(i).length;
        }
        return (double) same / all;
    }
}
