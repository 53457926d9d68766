package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Admission;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.DecoderAllocation;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.fixtures.RandomCheckpoint;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Safetensors lets a file's data begin at any byte; where no typed view of it can be mapped, it is read all the same. */
class OddOffsetTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
    private static final int NEW_TOKENS = 12;

    @TempDir
    private Path temp;

    /** What a model makes of two prompts. */
    private record Outcome(float[][] logits, List<int[]> greedy) {}

    @ParameterizedTest
    @CsvSource({"FLOAT32, FLOAT32", "BFLOAT16, BFLOAT16", "BFLOAT16, FLOAT32", "FLOAT16, FLOAT32"})
    void oddOffsets_sameLogitsAndTokens(DType stored, DType computed) throws IOException {
        Checkpoint even = write("even", stored, false);
        Checkpoint odd = write("odd", stored, true);
        assertThat(even.tensors().values()).allMatch(tensor -> tensor.offset() % 4 == 0);
        assertThat(odd.tensors().values()).allMatch(tensor -> tensor.offset() % 2 == 1);
        Outcome expected = run(even, computed);
        Outcome actual = run(odd, computed);
        assertThat(actual.logits()).isDeepEqualTo(expected.logits());
        assertThat(actual.greedy()).hasSize(NEW_TOKENS);
        for (int step = 0; step < NEW_TOKENS; step++) {
            assertThat(actual.greedy().get(step)).isEqualTo(expected.greedy().get(step));
        }
        assertThat(expected.logits()[0]).isNotEqualTo(expected.logits()[1]);
    }

    @Test
    void otherWeights_otherLogits() throws IOException {
        ModelConfig config = config(DType.FLOAT32);
        RandomCheckpoint.write(temp.resolve("a"), config, new RandomCheckpoint.Layout(1, 1, false));
        RandomCheckpoint.write(temp.resolve("b"), config, new RandomCheckpoint.Layout(2, 1, false));
        assertThat(run(Checkpoint.open(temp.resolve("a")), DType.FLOAT32).logits()[0])
                .isNotEqualTo(run(Checkpoint.open(temp.resolve("b")), DType.FLOAT32).logits()[0]);
    }

    private static ModelConfig config(DType stored) {
        return new ModelConfig("qwen2", 64, 4, 2, 16, 96, 4096, 64, false, true, false, false, false,
                Norms.before(1e-5), Attention.alike(2, 16, 0, new Rope(10000, 16)), 1, 0, Activation.SILU,
                stored);
    }

    private Checkpoint write(String name, DType stored, boolean odd) throws IOException {
        RandomCheckpoint.write(temp.resolve(name), config(stored), new RandomCheckpoint.Layout(1, 1, odd));
        return Checkpoint.open(temp.resolve(name));
    }

    private static Outcome run(Checkpoint checkpoint, DType computed) {
        List<Admission> rows = List.of(new Admission(0, new int[]{5, 6, 7, 8}, GREEDY),
                new Admission(1, new int[]{4000, 17, 3}, GREEDY));
        try (Decoder decoder = Decoder.load(checkpoint, Device.CPU, computed, Acceleration.FULL)) {
            decoder.allocate(new DecoderAllocation(rows.size(), 32));
            float[][] logits = decoder.firstLogits(rows);
            List<int[]> greedy = new ArrayList<>();
            greedy.add(decoder.prefill(rows));
            while (greedy.size() < NEW_TOKENS) {
                greedy.add(decoder.step(rows.size(), 1)[0]);
            }
            return new Outcome(logits, greedy);
        }
    }
}
