package dev.lockstep.decoder;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.fixtures.RandomCheckpoint;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Keys and values in fp8 with scales that a checkpoint has. A model whose keys are 16 times and whose values are 2<sup>-10</sup> of
 * another's, and whose queries and outputs make up for that, says the same as that one; with its scales its cache even holds the
 * same bytes, and without them its values come to nothing.
 */
@GpuTest
class KvScalesGpuTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
    private static final int[] LENGTHS = {300, 5, 70, 17};
    private static final int KEYS = 4;
    private static final int VALUES = -10;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BFLOAT16", "FLOAT16"})
    void logits_scaledKeysAndValues_areThoseOfThePlainModel(DType dtype) throws IOException {
        ModelConfig config = new ModelConfig("llama", 256, 8, 2, 64, 512, 4096, 4096, false, false, false, false, false,
                Norms.before(1e-5), Attention.alike(3, 64, 0, new Rope(10000, 64)), 1, 0, Activation.SILU,
                DType.FLOAT32);
        List<List<float[][]>> logits = new ArrayList<>();
        for (String form : List.of("plain", "with scales", "without")) {
            Path model = directory.resolve(form);
            RandomCheckpoint.write(model, config, RandomCheckpoint.Layout.PLAIN);
            if (!form.equals("plain")) {
                scale(model, form.equals("with scales"), config.layers());
            }
            logits.add(logits(Checkpoint.open(model), dtype));
        }
        for (int i = 0; i < logits.get(0).size(); i++) {
            float[][] plain = logits.get(0).get(i);
            assertThat(GoldenRows.error(plain, logits.get(1).get(i))).as("error with scales, logits %d", i)
                    .isLessThan(1.0 / 32);
            assertThat(GoldenRows.error(plain, logits.get(2).get(i))).as("error without, logits %d", i)
                    .isGreaterThan(1.0 / 8);
        }
    }

    private static void scale(Path model, boolean say, int layers) throws IOException {
        SafetensorsFile weights = SafetensorsFile.read(model.resolve("model.safetensors"));
        weights.scale(name -> name.endsWith("k_proj.weight"), Math.scalb(1f, KEYS));
        weights.scale(name -> name.endsWith("q_proj.weight"), Math.scalb(1f, -KEYS));
        weights.scale(name -> name.endsWith("v_proj.weight"), Math.scalb(1f, VALUES));
        weights.scale(name -> name.endsWith("o_proj.weight"), Math.scalb(1f, -VALUES));
        for (int layer = 0; layer < layers && say; layer++) {
            String attention = "model.layers." + layer + ".self_attn.";
            // what these are rounded up to
            weights.appendNumber(attention + "k_scale", "F32", Float.floatToRawIntBits(Math.scalb(0.8f, KEYS)));
            weights.appendNumber(attention + "v_scale", "F32", Float.floatToRawIntBits(Math.scalb(0.8f, VALUES)));
        }
        weights.write();
    }

    /** Of prompts in one piece and in two, then of a step by our kernels and by the program, which saw the same cache. */
    private static List<float[][]> logits(Checkpoint checkpoint, DType dtype) {
        SplittableRandom random = new SplittableRandom(5);
        List<Admission> whole = new ArrayList<>();
        List<Admission> first = new ArrayList<>();
        List<Admission> second = new ArrayList<>();
        for (int slot = 0; slot < LENGTHS.length; slot++) {
            int[] prompt = random.ints(LENGTHS[slot], 0, checkpoint.config().vocabulary()).toArray();
            whole.add(new Admission(slot, prompt, GREEDY));
            first.add(new Admission(slot, prompt, 0, prompt.length / 2, GREEDY));
            second.add(new Admission(slot, prompt, prompt.length / 2, prompt.length, GREEDY));
        }
        try (Decoder decoder = Decoder.load(checkpoint, Device.ofRank("cuda"), dtype,
                new Acceleration(true, true, Acceleration.Weights.WIDE, true))) {
            decoder.allocate(new DecoderAllocation(LENGTHS.length, 320));
            List<float[][]> logits = new ArrayList<>();
            logits.add(decoder.firstLogits(whole));
            logits.add(decoder.programLogits(whole));
            decoder.prefill(first);
            logits.add(decoder.firstLogits(second));
            float[][][] both = decoder.compareStep(LENGTHS.length, -1);
            logits.add(both[0]);
            logits.add(both[1]);
            return logits;
        }
    }
}
