package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Log-probabilities against what transformers computed, and against the model asked again from the beginning. */
class LogprobsTest {
    @TempDir
    private Path scratch;

    private Generator generator(String family) {
        return Generator.load(Checkpoint.open(Golden.copyWithTokenizer(family, scratch)), Device.CPU, DType.FLOAT32);
    }

    /** Each case twice, so that there are rows for ten slots. */
    private static List<Request> requests(JsonNode cases, SamplingParams params) {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 2 * cases.size(); i++) {
            requests.add(new Request(i, 0, Golden.ints(cases.get(i % cases.size()).get("prompt_ids")), params));
        }
        return requests;
    }

    private static SamplingParams greedy(int logprobs) {
        return SamplingParams.builder(40).greedy(true).logprobs(logprobs).build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "mistral-sliding"})
    void generate_greedy_equalsTransformersForEveryBatchSize(String family) {
        JsonNode cases = Golden.json("logprobs-" + family + ".json").get("cases");
        List<Completion> alone = null;
        try (Generator generator = generator(family)) {
            for (int batchSize : new int[]{1, 3, 10}) {
                List<Completion> completions = generator.generate(requests(cases, greedy(5)), batchSize);
                alone = alone == null ? completions : alone;
                for (int i = 0; i < completions.size(); i++) {
                    Completion completion = completions.get(i);
                    JsonNode golden = cases.get(i % cases.size());
                    assertThat(completion.tokenIds()).isEqualTo(Golden.ints(golden.get("token_ids")));
                    assertThat(completion.logprobs()).hasSize(40);
                    for (int token = 0; token < 40; token++) {
                        TokenLogprobs likely = completion.logprobs().get(token);
                        String where = family + ", batch " + batchSize + ", row " + i + ", token " + token;
                        check(likely, golden.get("logprobs").get(token), golden.get("top5").get(token), where);
                        equal(likely, alone.get(i).logprobs().get(token), 1e-5f, where);
                    }
                }
            }
        }
    }

    private static void check(TokenLogprobs likely, JsonNode chosen, JsonNode top, String where) {
        assertThat(likely.chosen()).as(where).isEqualTo(chosen.floatValue(), within(1e-4f));
        for (int i = 0; i < 5; i++) {
            assertThat(likely.bestIds()[i]).as(where).isEqualTo(top.get(i).get(0).asInt());
            assertThat(likely.best()[i]).as(where).isEqualTo(top.get(i).get(1).floatValue(), within(1e-4f));
        }
    }

    private static void equal(TokenLogprobs one, TokenLogprobs other, float tolerance, String where) {
        assertThat(one.chosen()).as(where).isEqualTo(other.chosen(), within(tolerance));
        assertThat(one.bestIds()).as(where).isEqualTo(other.bestIds());
        assertThat(one.best()).as(where).containsExactly(other.best(), within(tolerance));
    }

    /** Whatever chose the token, the numbers are the model's own: those that its prompt and text give from the start. */
    @Test
    void generate_sampledAndPenalized_areTheModelsOwn() {
        JsonNode cases = Golden.json("logprobs-llama-gqa.json").get("cases");
        SamplingParams params = SamplingParams.builder(12).temperature(1.7).topP(0.9).repetitionPenalty(1.4)
                .presencePenalty(1).frequencyPenalty(0.5).seed(3).minNewTokens(12).eosTokenIds(List.of(7)).logprobs(20)
                .build();
        try (Generator generator = generator("llama-gqa")) {
            List<Request> requests = requests(cases, params);
            for (Completion completion : generator.generate(requests, 4)) {
                int[] prompt = requests.get(completion.index()).promptIds();
                for (int i = 0; i < 12; i++) {
                    int[] soFar = IntStream.concat(Arrays.stream(prompt), Arrays.stream(completion.tokenIds(), 0, i))
                            .toArray();
                    TokenLogprobs anew = generator
                            .generate(List.of(new Request(0, 0, soFar,
                                    SamplingParams.builder(1).greedy(true).logprobs(20).build())), 1)
                            .get(0).logprobs()
                            .get(0);
                    TokenLogprobs likely = completion.logprobs().get(i);
                    assertThat(likely.bestIds()).isEqualTo(anew.bestIds());
                    assertThat(likely.best()).containsExactly(anew.best(), within(1e-4f));
                    int chosen = completion.tokenIds()[i];
                    int place = IntStream.range(0, 20).filter(at -> anew.bestIds()[at] == chosen).findFirst()
                            .orElse(-1);
                    if (place >= 0) {
                        assertThat(likely.chosen()).isEqualTo(likely.best()[place]);
                    } else {
                        assertThat(likely.chosen()).isLessThanOrEqualTo(likely.best()[19]);
                    }
                }
            }
        }
    }

    @Test
    void generate_rowsThatDifferInWhatTheyWant_getIt() {
        JsonNode golden = Golden.json("logprobs-mistral-sliding.json").get("cases");
        try (Generator generator = generator("mistral-sliding")) {
            List<Request> requests = new ArrayList<>();
            for (int wanted : new int[]{-1, 0, 3, -1, 20}) {
                int[] prompt = Golden.ints(golden.get(requests.size()).get("prompt_ids"));
                requests.add(new Request(requests.size(), 0, prompt, greedy(wanted)));
            }
            List<Completion> completions = generator.generate(requests, 2);
            assertThat(completions.get(0).logprobs()).isNull();
            assertThat(completions.get(3).logprobs()).isNull();
            for (int row : new int[]{1, 2, 4}) {
                JsonNode expected = golden.get(row).get("logprobs");
                for (int token = 0; token < 40; token++) {
                    TokenLogprobs likely = completions.get(row).logprobs().get(token);
                    assertThat(likely.chosen()).isEqualTo(expected.get(token).floatValue(), within(1e-4f));
                    assertThat(likely.best()).hasSize(requests.get(row).params().logprobs());
                }
            }
        }
    }

    @Test
    void generate_stopString_keepsOneForEachToken() {
        try (Generator generator = generator("llama-gqa")) {
            JsonNode golden = Golden.expected("llama-gqa").get("cases").get(0);
            String stop = golden.get("greedy_text").asText().substring(25, 29);
            Completion stopped = generator.generate(List.of(new Request(0, 0, Golden.ints(golden.get("prompt_ids")),
                    SamplingParams.builder(40).greedy(true).stop(List.of(stop)).logprobs(1).build())), 1).get(0);
            assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);
            assertThat(stopped.tokenIds().length).isBetween(2, 39);
            assertThat(stopped.logprobs()).hasSize(stopped.tokenIds().length);
            for (int i = 0; i < stopped.tokenIds().length; i++) {
                assertThat(stopped.logprobs().get(i).bestIds()).containsExactly(stopped.tokenIds()[i]);
            }
        }
    }
}
