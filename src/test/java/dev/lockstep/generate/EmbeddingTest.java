package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.generate.Embedding.Pooling;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Embeddings against transformers' hidden states ({@code src/test/golden/embeddings.py}). */
class EmbeddingTest {
    private static final Path MODEL = Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m");
    private static final int END = 1;

    private static Generator generator() {
        return Generator.load(Checkpoint.open(MODEL), Device.CPU, DType.FLOAT32, Acceleration.FULL);
    }

    private static List<Request> requests(JsonNode cases, Embedding how) {
        List<Request> requests = new ArrayList<>();
        // twice, so that prompts that begin alike come together
        for (int i = 0; i < 2 * cases.size(); i++) {
            requests.add(Request.embedding(i, 0, Golden.ints(cases.get(i % cases.size()).get("token_ids")), how));
        }
        return requests;
    }

    @ParameterizedTest
    @CsvSource({"LAST, 1, 2048", "LAST, 4, 2048", "MEAN, 1, 2048", "MEAN, 4, 2048", "CLS, 4, 2048", "LAST, 3, 100",
            "MEAN, 3, 100", "CLS, 3, 100", "MEAN, 10, 7"})
    void embedding_inBatchesAndPieces_isTransformers(Pooling pooling, int batchSize, int passTokens) {
        JsonNode cases = Golden.json("embeddings-kjv-6m.json").get("cases");
        try (Generator generator = generator()) {
            generator.prefillTokens(passTokens);
            List<Request> requests = requests(cases, new Embedding(pooling, false));
            for (Completion completion : generator.generate(requests, batchSize)) {
                assertThat(completion.error()).isNull();
                assertThat(completion.tokenIds()).isEmpty();
                float[] expected = Golden
                        .floats(cases.get(completion.index() % cases.size())
                                .get(pooling.name().toLowerCase(Locale.ROOT)));
                assertThat(completion.embedding()).as("case %d", completion.index()).containsExactly(expected,
                        within(2e-5f));
            }
        }
    }

    /** Pages that begin alike are shared where only the last token counts, and the vectors are the same. */
    @Test
    void embedding_promptsThatBeginAlike_shareWhatTheyMay() {
        JsonNode cases = Golden.json("embeddings-kjv-6m.json").get("cases");
        for (Pooling pooling : Pooling.values()) {
            try (Generator generator = generator()) {
                generator.cachePages(200, 16);
                for (Completion completion : generator.generate(requests(cases, new Embedding(pooling, false)), 4)) {
                    assertThat(completion.embedding()).containsExactly(Golden.floats(
                            cases.get(completion.index() % cases.size()).get(pooling.name().toLowerCase(Locale.ROOT))),
                            within(2e-5f));
                }
                if (pooling == Pooling.LAST) {
                    assertThat(generator.cacheUse().sharedTokens()).isPositive();
                } else {
                    assertThat(generator.cacheUse().sharedTokens()).isZero();
                }
            }
        }
    }

    @Test
    void embedding_normalized_hasLengthOneAndTheSameDirection() {
        JsonNode one = Golden.json("embeddings-kjv-6m.json").get("cases").get(0);
        int[] ids = Golden.ints(one.get("token_ids"));
        try (Generator generator = generator()) {
            float[] vector = generator
                    .generate(List.of(Request.embedding(0, 0, ids, new Embedding(Pooling.MEAN, true))), 1).get(0)
                    .embedding();
            float[] mean = Golden.floats(one.get("mean"));
            double squares = 0;
            double length = 0;
            for (int i = 0; i < mean.length; i++) {
                squares += (double) vector[i] * vector[i];
                length += (double) mean[i] * mean[i];
            }
            assertThat(squares).isCloseTo(1, within(1e-6));
            for (int i = 0; i < mean.length; i++) {
                assertThat((double) vector[i]).isCloseTo(mean[i] / Math.sqrt(length), within(2e-6));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void embedding_ofFewerDimensions_isTheFirstOfThem(boolean normalized) {
        JsonNode one = Golden.json("embeddings-kjv-6m.json").get("cases").get(0);
        int[] ids = Golden.ints(one.get("token_ids"));
        float[] mean = Golden.floats(one.get("mean"));
        double squares = 0;
        for (int i = 0; i < 32; i++) {
            squares += (double) mean[i] * mean[i];
        }
        Embedding whole = new Embedding(Pooling.MEAN, normalized);
        try (Generator generator = generator()) {
            List<Completion> completions = generator
                    .generate(List.of(Request.embedding(0, 0, ids, whole.withDimensions(32)),
                            Request.embedding(1, 0, ids, whole.withDimensions(257))), 2);
            float[] vector = completions.get(0).embedding();
            assertThat(vector).hasSize(32);
            for (int i = 0; i < 32; i++) {
                assertThat((double) vector[i]).isCloseTo(normalized ? mean[i] / Math.sqrt(squares) : mean[i],
                        within(2e-5));
            }
            assertThat(completions.get(1).error()).isEqualTo("257 dimensions are asked for, and the model has 256");
        }
    }

    /** A prompt may fill the context, beside a row that is generated; one more token is too many. */
    @Test
    void embedding_promptAsLongAsTheContext_isPossible() {
        try (Generator generator = generator()) {
            int[] whole = new int[1024];
            Arrays.setAll(whole, i -> 2 + i % 900);
            int[] more = Arrays.copyOf(whole, 1025);
            Embedding last = new Embedding(Pooling.LAST, true);
            Request text = new Request(3, 0, generator.tokenizer().encode("And it came to pass", true),
                    SamplingParams.greedy(12, List.of(END)));
            List<Completion> completions = generator.generate(List.of(Request.embedding(0, 0, whole, last),
                    Request.embedding(1, 0, more, last), Request.embedding(2, 0, new int[0], last), text), 4);
            assertThat(completions.get(0).error()).isNull();
            assertThat(completions.get(0).embedding()).hasSize(256);
            assertThat(completions.get(1).error())
                    .isEqualTo("the prompt has 1025 tokens, and the model's context is 1024");
            assertThat(completions.get(2).error()).isEqualTo("the prompt has no tokens");
            assertThat(completions.get(3).tokenIds())
                    .isEqualTo(generator.generate(List.of(text), 1).get(0).tokenIds());
            assertThat(completions.get(3).embedding()).isNull();
        }
    }
}
