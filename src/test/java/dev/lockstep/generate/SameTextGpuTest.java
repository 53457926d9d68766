package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code --same-text} with a trained model: texts and log-probabilities of rows alone, among others, in pieces and begun again. */
@GpuTest
class SameTextGpuTest {
    private static final int ROWS = 200;
    private static final int ALONE = 40;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rows_howeverTheyAreComputed_haveTheSameTextAndLogprobs(boolean greedy) {
        Checkpoint checkpoint = Checkpoint.open(Path.of("examples/models/kjv-6m"));
        Random random = new Random(3);
        int[] beginning = random.ints(160, 3, 4000).toArray();
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            int[] prompt = random.ints(1 + i % 90, 3, 4000).toArray();
            if (i % 4 == 0) {
                prompt = IntStream.concat(Arrays.stream(beginning), Arrays.stream(prompt)).toArray();
            }
            requests.add(new Request(i, 0, prompt, SamplingParams.builder(60).greedy(greedy).temperature(0.9).topP(0.95)
                    .seed(5).repetitionPenalty(1.05).logprobs(3).ignoreEos(true).build()));
        }
        try (Generator generator = Generator.load(checkpoint, Device.ofRank("cuda"), DType.BFLOAT16,
                new Acceleration(true, true, Weights.WIDE, false, SameText.ON))) {
            List<Completion> expected = new ArrayList<>();
            for (Request request : requests.subList(0, ALONE)) {
                expected.addAll(generator.generate(List.of(request), 1));
            }
            List<Completion> all = generator.generate(requests, 7);
            expected.addAll(all.subList(ALONE, ROWS));
            assertSame(expected, all);
            assertSame(expected, generator.generate(requests, 64));
            assertSame(expected, generator.generate(requests, ROWS));
            generator.prefillTokens(48);
            assertSame(expected, generator.generate(requests, 100));
            generator.prefillTokens(2048);
            generator.cachePages(260, 16);
            assertSame(expected, generator.generate(requests, 64));
            assertThat(generator.cacheUse().interruptions()).as("rows that gave way").isPositive();
        }
    }

    static void assertSame(List<Completion> expected, List<Completion> actual) {
        int same = 0;
        for (int i = 0; i < expected.size(); i++) {
            Completion one = expected.get(i);
            Completion other = actual.get(i);
            same += Arrays.equals(one.tokenIds(), other.tokenIds()) && text(one).equals(text(other)) ? 1 : 0;
        }
        assertThat(same).as("rows whose tokens and log-probabilities are the same").isEqualTo(expected.size());
    }

    private static List<String> text(Completion completion) {
        return completion.logprobs().stream().map(SameTextGpuTest::text).toList();
    }

    private static String text(TokenLogprobs token) {
        return token.chosen() + " " + Arrays.toString(token.bestIds()) + " " + Arrays.toString(token.best());
    }
}
