package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Drafted tokens on a GPU: transformers' tokens in float32, and to the bit what one token at a time gives in bfloat16. */
@GpuTest
class SpeculationGpuTest {
    private static final Device DEVICE = Device.ofRank("cuda");

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void generate_greedyInFloat32_equalsTransformers(String family, @TempDir Path scratch) {
        JsonNode cases = Golden.expected(family).get("cases");
        List<Request> requests = Golden.requests(cases, SamplingParams.greedy(40, List.of()));
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        for (boolean kernels : new boolean[]{false, true}) {
            try (Generator generator = Generator.load(checkpoint, DEVICE, DType.FLOAT32,
                    new Acceleration(true, kernels, Weights.WIDE))) {
                generator.speculate(Speculation.LEAST_COST_OF_LOOKING);
                for (int batchSize : new int[]{1, 4, 10}) {
                    for (Completion completion : generator.generate(requests, batchSize)) {
                        assertThat(completion.tokenIds())
                                .as("%s, kernels %s, batch size %d, prompt %d", family, kernels, batchSize,
                                        completion.index())
                                .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                    }
                }
                assertThat(generator.drafted().right()).isPositive().isLessThan(generator.drafted().tokens());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"true, false", "false, false", "true, true"})
    void generate_trainedModelInBfloat16_hasTheBitsOfOneTokenAtATime(boolean greedy, boolean fp8Kv) {
        Random random = new Random(3);
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            int[] part = random.ints(10 + i, 3, 4000).toArray();
            int[] prompt = Arrays.copyOf(part, 2 * part.length - 3);
            System.arraycopy(part, 0, prompt, part.length, part.length - 3);
            requests.add(new Request(i, 0, prompt, SamplingParams.builder(120).greedy(greedy).temperature(0.5)
                    .topP(0.9).seed(5).logprobs(3).ignoreEos(true).build()));
        }
        try (Generator generator = Generator.load(Checkpoint.open(Path.of("examples/models/kjv-6m")), DEVICE,
                DType.BFLOAT16, new Acceleration(true, true, Weights.WIDE, fp8Kv, SameText.ON))) {
            List<Completion> expected = generator.generate(requests, 60);
            generator.speculate(Speculation.LEAST_COST_OF_LOOKING);
            for (int batchSize : new int[]{1, 8, 30, 60}) {
                SameTextGpuTest.assertSame(expected, generator.generate(requests, batchSize));
            }
            assertThat(generator.drafted().right()).isPositive().isLessThan(generator.drafted().tokens());
            generator.cachePages(80, 16);
            SameTextGpuTest.assertSame(expected, generator.generate(requests, 20));
        }
    }
}
