package dev.lockstep.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.tokenizer.Tokenizer;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** Texts that are scored, against what transformers holds of them ({@code src/test/golden/scores.py}). */
class ScoredTextTest {
    private static final Path MODEL = Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m");
    private static final int END = 1;

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 16})
    void scoring_equalsTransformersForEveryBatchSize(int batchSize) {
        JsonNode cases = Golden.json("scores-kjv-6m.json").get("cases");
        try (Generator generator = Generator.load(Checkpoint.open(MODEL), Device.CPU, DType.FLOAT32,
                Acceleration.FULL)) {
            List<Request> requests = new ArrayList<>();
            for (JsonNode one : cases) {
                ScoredText scored = ScoredText.of(generator.tokenizer(), one.get("prompt").asText(),
                        one.get("text").asText(), true, END);
                assertThat(scored.textIds()).as(one.toString()).isEqualTo(Golden.ints(one.get("token_ids")));
                requests.add(Request.scoring(requests.size(), 0, scored.promptIds(), scored.textIds(), 1));
            }
            for (Completion completion : generator.generate(requests, batchSize)) {
                JsonNode one = cases.get(completion.index());
                assertThat(completion.error()).isNull();
                assertThat(completion.tokenIds()).isEqualTo(Golden.ints(one.get("token_ids")));
                List<TokenLogprobs> likely = completion.logprobs();
                boolean greedy = true;
                for (int i = 0; i < likely.size(); i++) {
                    assertThat((double) likely.get(i).chosen()).as("token %d of %s", i, one)
                            .isCloseTo(one.get("logprobs").get(i).asDouble(), within(1e-4));
                    greedy &= likely.get(i).bestIds()[0] == completion.tokenIds()[i];
                }
                assertThat(greedy).as(one.toString()).isEqualTo(one.get("greedy").asBoolean());
            }
        }
    }

    /** Tokens that the model would not choose, end tokens among them, beside a row that chooses its own. */
    @Test
    void scoring_endTokenAndOthersBesideRowsThatChoose_givesTheSame() {
        try (Generator generator = Generator.load(Checkpoint.open(MODEL), Device.CPU, DType.FLOAT32,
                Acceleration.FULL)) {
            int[] prompt = generator.tokenizer().encode("And it came to pass", true);
            Request chooses = new Request(0, 0, prompt, SamplingParams.greedy(12, List.of(END)));
            Request forced = Request.scoring(1, 0, prompt, new int[]{END, 300, END, 4000}, 3);
            Completion alone = generator.generate(List.of(forced), 1).get(0);
            List<Completion> together = generator.generate(List.of(chooses, forced), 2);
            assertThat(together.get(0).tokenIds())
                    .isEqualTo(generator.generate(List.of(chooses), 1).get(0).tokenIds());
            assertThat(alone.tokenIds()).containsExactly(END, 300, END, 4000);
            assertThat(alone.finishReason()).isEqualTo(FinishReason.LENGTH);
            for (int i = 0; i < 4; i++) {
                assertThat(together.get(1).logprobs().get(i).chosen()).isCloseTo(alone.logprobs().get(i).chosen(),
                        within(1e-4f));
                assertThat(alone.logprobs().get(i).bestIds()).hasSize(3);
            }
        }
    }

    /** More tokens than are scored in one pass, in several rows, against the same tokens a few at a time. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void scoring_textsBeyondOnePass_areThoseOfTheirParts(int batchSize) {
        try (Generator generator = Generator.load(Checkpoint.open(MODEL), Device.CPU, DType.FLOAT32,
                Acceleration.FULL)) {
            int[] prompt = generator.tokenizer().encode("In the beginning", true);
            SplittableRandom random = new SplittableRandom(3);
            int[] text = random.ints(700, 2, 4096).toArray();
            int[] other = random.ints(300, 2, 4096).toArray();
            List<Request> requests = List.of(Request.scoring(0, 0, prompt, text, 2),
                    new Request(1, 0, prompt, SamplingParams.greedy(5, List.of(END))),
                    Request.scoring(2, 0, prompt, other, 2), Request.scoring(3, 0, prompt, new int[]{text[0]}, 2));
            List<Completion> scored = generator.generate(requests, batchSize);
            assertThat(scored.get(0).logprobs()).hasSize(700);
            assertThat(scored.get(0).tokenIds()).isEqualTo(text);
            assertThat(scored.get(0).text()).isEqualTo(generator.tokenizer().decode(text, true));
            assertThat(scored.get(2).logprobs()).hasSize(300);
            assertThat(scored.get(3).logprobs().get(0).chosen())
                    .isCloseTo(scored.get(0).logprobs().get(0).chosen(), within(1e-4f));
            for (int from : new int[]{1, 200, 254, 255, 256, 257, 511, 512, 696}) {
                int[] before = IntStream.concat(Arrays.stream(prompt), Arrays.stream(text, 0, from)).toArray();
                List<TokenLogprobs> part = generator
                        .generate(List.of(Request.scoring(0, 0, before, Arrays.copyOfRange(text, from, from + 4), 2)),
                                1)
                        .get(0).logprobs();
                for (int i = 0; i < part.size(); i++) {
                    TokenLogprobs whole = scored.get(0).logprobs().get(from + i);
                    assertThat(whole.chosen()).as("token %d", from + i).isCloseTo(part.get(i).chosen(), within(1e-4f));
                    assertThat(whole.bestIds()).as("token %d", from + i).isEqualTo(part.get(i).bestIds());
                }
            }
        }
    }

    /** As lm-evaluation-harness's loglikelihood_rolling, beside other rows and alone. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void scoring_aTextAloneThatIsLongerThanTheContext_equalsTransformersInWindows(int batchSize) {
        JsonNode rolling = Golden.json("scores-kjv-6m.json").get("rolling");
        try (Generator generator = Generator.load(Checkpoint.open(MODEL), Device.CPU, DType.FLOAT32,
                Acceleration.FULL)) {
            ScoredText scored = ScoredText.of(generator.tokenizer(), "", rolling.get("text").asText(), true, END);
            assertThat(scored.textIds()).hasSize(rolling.get("tokens").asInt());
            assertThat(scored.promptIds()).hasSize(1);
            int[] prompt = generator.tokenizer().encode("In the beginning", true);
            List<Completion> completions = generator.generate(
                    List.of(Request.scoring(0, 0, scored.promptIds(), scored.textIds(), 1),
                            new Request(1, 0, prompt, SamplingParams.greedy(30, List.of(END))),
                            Request.scoring(2, 0, scored.promptIds(), Arrays.copyOf(scored.textIds(), 1024), 1),
                            Request.scoring(3, 0, scored.promptIds(), Arrays.copyOf(scored.textIds(), 1025), 1)),
                    batchSize);
            assertScores(completions.get(0), rolling, scored.textIds());
            assertThat(completions.get(0).text()).isEqualTo(generator.tokenizer().decode(scored.textIds(), true));
            assertScores(completions.get(2), rolling, Arrays.copyOf(scored.textIds(), 1024));
            assertThat(completions.get(3).logprobs()).hasSize(1025);
            assertThat(completions.get(1).tokenIds()).isEqualTo(generator
                    .generate(List.of(new Request(1, 0, prompt, SamplingParams.greedy(30, List.of(END)))), 1).get(0)
                    .tokenIds());
        }
    }

    private static void assertScores(Completion completion, JsonNode rolling, int[] tokens) {
        assertThat(completion.error()).isNull();
        assertThat(completion.tokenIds()).isEqualTo(tokens);
        List<TokenLogprobs> likely = completion.logprobs();
        assertThat(likely).hasSize(tokens.length);
        for (int i = 0; i < tokens.length; i++) {
            assertThat((double) likely.get(i).chosen()).as("token %d", i)
                    .isCloseTo(rolling.get("logprobs").get(i).asDouble(), within(2e-4));
        }
    }

    @Test
    void scoring_longerThanTheContext_isThatRowsError() {
        ModelConfig config = Checkpoint.open(MODEL).config();
        assertThat(RequestErrors.of(Request.scoring(0, 0, new int[]{5, 6}, new int[1022], 1), config)).isNull();
        assertThat(RequestErrors.of(Request.scoring(0, 0, new int[]{5, 6}, new int[1023], 1), config)).isEqualTo(
                "the prompt and the text to be scored have 1025 tokens, and the model's context is 1024");
        assertThat(RequestErrors.of(Request.scoring(0, 0, new int[]{5}, new int[]{4096}, 1), config)).isEqualTo(
                "the text to be scored has a token that is not in the model's vocabulary of 4096");
    }

    /** Where the tokenizer adds nothing, the end token comes before. */
    @Test
    void of_emptyPrompt_isWhatBeginsTexts() {
        try (Tokenizer tokenizer = Tokenizer.load(MODEL)) {
            assertThat(ScoredText.of(tokenizer, " ", "light", true, END).promptIds()).containsExactly(0);
            ScoredText bare = ScoredText.of(tokenizer, " ", "light", false, END);
            assertThat(bare.promptIds()).containsExactly(END);
            assertThat(bare.textIds()).isEqualTo(tokenizer.encode(" light", false));
            assertThat(tokenizer.begin()).as("bos_token").hasValue(0);
        }
    }

    /** As transformers has bos_token_id: an object or a string, in one file or the other; what is no token is none. */
    @ParameterizedTest
    @CsvSource(delimiter = '#', value = {
            "tokenizer_config.json # {\"bos_token\": {\"content\": \"<|end_of_text|>\"}} # 1",
            "special_tokens_map.json # {\"bos_token\": \"<|pad|>\"} # 2",
            "tokenizer_config.json # {\"bos_token\": null} # ",
            "tokenizer_config.json # {} # ", "tokenizer_config.json # {\"bos_token\": \"no such token\"} # "})
    void begin_ofTokenizers_isTheirBosToken(String file, String content, Integer expected, @TempDir Path directory)
            throws IOException {
        Files.copy(MODEL.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve(file), content);
        try (Tokenizer tokenizer = Tokenizer.load(directory)) {
            assertThat(tokenizer.begin())
                    .isEqualTo(expected == null ? OptionalInt.empty() : OptionalInt.of(expected));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "'Blessed are the' | '' | 1 | a text to be scored is empty",
            "'Blessed are the' | m | 1 | 'the text to be scored, m, has no tokens of its own: it is cut into tokens together with the prompt''s end'",
            "'' | zebra | -1 | 'the prompt is empty, and the model has no token that begins or ends a text, which would come before the text to be scored'"})
    void of_whatHasNoTokens_isASentence(String prompt, String text, int first, String message) {
        try (Tokenizer tokenizer = Tokenizer.load(MODEL)) {
            assertThatThrownBy(() -> ScoredText.of(tokenizer, prompt, text, false, first))
                    .isInstanceOf(IllegalArgumentException.class).hasMessage(message);
        }
    }
}
