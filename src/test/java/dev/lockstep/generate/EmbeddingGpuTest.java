package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.generate.Embedding.Pooling;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** {@link EmbeddingTest} on a GPU; in 16 bits vectors are near transformers' and the same alone and among others. */
@GpuTest
class EmbeddingGpuTest {
    @ParameterizedTest
    @CsvSource({"LAST, FLOAT32", "MEAN, FLOAT32", "CLS, FLOAT32", "LAST, BFLOAT16", "MEAN, BFLOAT16", "CLS, BFLOAT16"})
    void embedding_onAGpu_isTransformers(Pooling pooling, DType dtype) {
        JsonNode cases = Golden.json("embeddings-kjv-6m.json").get("cases");
        try (Generator generator = Generator.load(
                Checkpoint.open(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m")),
                Device.ofRank("cuda"), dtype, Acceleration.FULL)) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                requests.add(Request.embedding(i, 0, Golden.ints(cases.get(i % cases.size()).get("token_ids")),
                        new Embedding(pooling, false)));
            }
            List<Completion> all = generator.generate(requests, 16);
            for (int i = 0; i < cases.size(); i++) {
                float[] expected = Golden.floats(cases.get(i).get(pooling.name().toLowerCase(Locale.ROOT)));
                float[] alone = generator.generate(requests.subList(i, i + 1), 1).get(0).embedding();
                if (dtype == DType.FLOAT32) {
                    assertThat(alone).containsExactly(expected, within(2e-4f));
                } else {
                    assertThat(cosine(alone, expected)).as("case %d", i).isGreaterThan(0.999);
                    for (int row = i; row < all.size(); row += cases.size()) {
                        assertThat(all.get(row).embedding()).as("row %d", row).containsExactly(alone);
                    }
                }
            }
        }
    }

    private static double cosine(float[] a, float[] b) {
        double product = 0;
        double first = 0;
        double second = 0;
        for (int i = 0; i < a.length; i++) {
            product += (double) a[i] * b[i];
            first += (double) a[i] * a[i];
            second += (double) b[i] * b[i];
        }
        return product / Math.sqrt(first * second);
    }
}
