package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What a decoder makes of the prompts of golden cases, against what they say, and how far two results are apart. */
final class GoldenRows {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);

    private static final float FAMILY_TOLERANCE = 2e-4f;

    private GoldenRows() {}

    /** Makes room for all prompts, each in a slot of its own. */
    static List<Admission> admissions(Decoder decoder, JsonNode cases) {
        List<Admission> rows = new ArrayList<>();
        for (JsonNode golden : cases) {
            rows.add(new Admission(rows.size(), Golden.ints(golden.get("prompt_ids")), GREEDY));
        }
        decoder.allocate(new DecoderAllocation(rows.size(), 64));
        return rows;
    }

    /** Of all that the cases have, from the first. */
    static void assertFirstLogits(Decoder decoder, JsonNode cases, float tolerance, Object what) {
        float[][] logits = decoder.firstLogits(admissions(decoder, cases));
        for (int row = 0; row < logits.length; row++) {
            float[] expected = Golden.floats(cases.get(row).get("first_logits"));
            assertThat(Arrays.copyOf(logits[row], expected.length)).as("%s, prompt %d", what, row)
                    .containsExactly(expected, within(tolerance));
        }
    }

    static void assertGreedy(Decoder decoder, JsonNode cases, Object what) {
        int[] chosen = decoder.prefill(admissions(decoder, cases));
        for (int step = 0; step < cases.get(0).get("greedy_ids").size(); step++) {
            for (int row = 0; row < chosen.length; row++) {
                assertThat(chosen[row]).as("%s, prompt %d, step %d", what, row, step)
                        .isEqualTo(cases.get(row).get("greedy_ids").get(step).asInt());
            }
            chosen = decoder.step(chosen.length, 1)[0];
        }
    }

    /** The decoder's program with the checks of its weights. */
    static TorchScriptProgram program() {
        List<String> parts = new ArrayList<>(DecoderProgram.PARTS);
        parts.add("weight-checks.torchscript");
        return TorchScriptProgram.load(Decoder.class, "Decoder", parts);
    }

    /** A weight as it is kept on CPU, in float32; of weights that are not fused, the first part of the first layer. */
    static float[][] weight(Checkpoint checkpoint, String weight, int layer, DType dtype, boolean fp8) {
        return weights(checkpoint, List.of(weight), layer, dtype, fp8).get(0);
    }

    /** {@link #weight} of several of a layer. */
    static List<float[][]> weights(Checkpoint checkpoint, List<String> weights, int layer, DType dtype, boolean fp8) {
        return weights(checkpoint, Shard.of(checkpoint.config(), 0, 1), weights, layer, dtype, fp8);
    }

    /** The same of one of several ranks. */
    static List<float[][]> weights(Checkpoint checkpoint, Shard shard, List<String> weights, int layer, DType dtype,
            boolean fp8) {
        TorchScriptProgram program = program();
        try (DecoderProgram decoder = new DecoderProgram(program)) {
            decoder.configure(shard, dtype, Device.CPU);
            if (fp8) {
                decoder.useFp8();
            }
            new CheckpointWeights(decoder, checkpoint, shard, Device.CPU, dtype,
                    fp8 ? Acceleration.Weights.FP8 : Acceleration.Weights.WIDE).place(bytes -> {
                    });
            return weights.stream().map(weight -> program.floats("weight_of", weight, layer)).toList();
        }
    }

    /** What transformers computed for a family: the first logits, where the cases have them, and greedy tokens. */
    static void assertCases(Decoder decoder, JsonNode cases, Object what) {
        if (cases.get(0).has("first_logits")) {
            assertFirstLogits(decoder, cases, FAMILY_TOLERANCE, what);
        }
        assertGreedy(decoder, cases, what);
    }

    /** Of each row, in order of their size. */
    static double[] errors(float[][] reference, float[][] computed) {
        return IntStream.range(0, reference.length)
                .mapToDouble(row -> error(new float[][]{reference[row]}, new float[][]{computed[row]})).sorted()
                .toArray();
    }

    /** The norm of the difference over the norm of the reference. */
    static double error(float[][] reference, float[][] computed) {
        double difference = 0;
        double norm = 0;
        for (int row = 0; row < reference.length; row++) {
            for (int i = 0; i < reference[row].length; i++) {
                difference += Math.pow(computed[row][i] - reference[row][i], 2);
                norm += Math.pow(reference[row][i], 2);
            }
        }
        return Math.sqrt(difference / norm);
    }
}
