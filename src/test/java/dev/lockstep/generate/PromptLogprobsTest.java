package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** How likely prompts are, against transformers ({@code src/test/golden/scores.py}) and against the same tokens scored. */
class PromptLogprobsTest {
    private static final Path MODEL = Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m");
    private static final int END = 1;

    private static Generator generator() {
        return Generator.load(Checkpoint.open(MODEL), Device.CPU, DType.FLOAT32, Acceleration.FULL);
    }

    private static Request request(int index, int[] prompt, int best) {
        return new Request(index, 0, prompt,
                SamplingParams.builder(9).greedy(true).eosTokenIds(List.of(END)).promptLogprobs(best).build());
    }

    @Test
    void promptLogprobs_textAlone_areTransformers() {
        List<JsonNode> alone = new ArrayList<>();
        Golden.json("scores-kjv-6m.json").get("cases").forEach(one -> {
            if (one.get("prompt").asText().isEmpty()) {
                alone.add(one);
            }
        });
        assertThat(alone).isNotEmpty();
        try (Generator generator = generator()) {
            for (JsonNode one : alone) {
                int[] begins = ScoredText.of(generator.tokenizer(), "", one.get("text").asText(), true, END)
                        .promptIds();
                int[] ids = IntStream.concat(Arrays.stream(begins), Arrays.stream(Golden.ints(one.get("token_ids"))))
                        .toArray();
                Completion completion = generator.generate(List.of(request(0, ids, 0)), 1).get(0);
                assertThat(completion.promptLogprobs().ids()).isEqualTo(ids);
                List<TokenLogprobs> likely = completion.promptLogprobs().likely();
                assertThat(likely).hasSize(ids.length - 1);
                for (int i = 0; i < likely.size(); i++) {
                    assertThat((double) likely.get(i).chosen())
                            .isCloseTo(one.get("logprobs").get(i).asDouble(), within(1e-4));
                    assertThat(likely.get(i).best()).isEmpty();
                }
            }
        }
    }

    /** Prompts of more tokens than are scored in a pass, beside rows of other kinds, in passes of any size. */
    @ParameterizedTest
    @LongRun(butFor = 2)
    @ValueSource(ints = {2048, 100, 7})
    void promptLogprobs_amongOthers_areScoresAndChangeNoText(int passTokens) {
        SplittableRandom random = new SplittableRandom(5);
        try (Generator generator = generator()) {
            generator.prefillTokens(passTokens);
            int[] beginning = random.ints(80, 2, 4096).toArray();
            List<Request> requests = new ArrayList<>();
            List<Request> plain = new ArrayList<>();
            for (int length : new int[]{1, 2, 300, 90, 700, 256, 257}) {
                int[] prompt = IntStream.concat(Arrays.stream(beginning), random.ints(length, 2, 4096)).limit(length)
                        .toArray();
                requests.add(request(requests.size(), prompt, 2));
                plain.add(new Request(plain.size(), 0, prompt, SamplingParams.greedy(9, List.of(END))));
            }
            int asked = requests.size();
            requests.addAll(plain.stream()
                    .map(one -> new Request(asked + one.index(), 0, one.promptIds(), one.params())).toList());
            List<Completion> expected = generator.generate(plain, 1);
            for (int batchSize : new int[]{1, 3, 20}) {
                List<Completion> all = generator.generate(requests, batchSize);
                for (int i = 0; i < asked; i++) {
                    int[] prompt = requests.get(i).promptIds();
                    assertThat(all.get(i).error()).isNull();
                    assertThat(all.get(i).tokenIds()).isEqualTo(expected.get(i).tokenIds());
                    assertThat(all.get(asked + i).tokenIds()).isEqualTo(expected.get(i).tokenIds());
                    assertThat(all.get(asked + i).promptLogprobs()).isNull();
                    assertScores(generator, prompt, all.get(i).promptLogprobs().likely());
                }
            }
        }
    }

    private static void assertScores(Generator generator, int[] prompt, List<TokenLogprobs> likely) {
        assertThat(likely).hasSize(prompt.length - 1);
        if (prompt.length > 1) {
            List<TokenLogprobs> scores = generator.generate(List.of(Request.scoring(0, 0, new int[]{prompt[0]},
                    Arrays.copyOfRange(prompt, 1, prompt.length), 2)), 1).get(0).logprobs();
            for (int t = 0; t < scores.size(); t++) {
                assertThat(likely.get(t).chosen()).isCloseTo(scores.get(t).chosen(), within(1e-4f));
                assertThat(likely.get(t).bestIds()).isEqualTo(scores.get(t).bestIds());
            }
        }
    }

    /** Rows that give way to others begin again, and have the same of their prompts once. */
    @Test
    void promptLogprobs_rowsThatGiveWay_areThereOnce() {
        SplittableRandom random = new SplittableRandom(6);
        try (Generator generator = generator()) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                int[] prompt = random.ints(20 + 7 * i, 2, 4096).toArray();
                requests.add(new Request(i, 0, prompt, SamplingParams.builder(60).greedy(true).ignoreEos(true)
                        .promptLogprobs(2).build()));
            }
            List<Completion> expected = generator.generate(requests, 1);
            generator.cachePages(40, 8);
            List<Completion> all = generator.generate(requests, 12);
            assertThat(generator.cacheUse().interruptions()).isPositive();
            for (int i = 0; i < all.size(); i++) {
                assertThat(all.get(i).tokenIds()).isEqualTo(expected.get(i).tokenIds());
                assertScores(generator, requests.get(i).promptIds(), all.get(i).promptLogprobs().likely());
            }
        }
    }
}
