package dev.lockstep.decoder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.tokenizer.Tokenizer;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How much fp8 weights change what the example model says. Every example prompt is continued greedily in bfloat16, and
 * both forms of the model are asked for the log-probability of each of these tokens after those before it.
 */
@GpuTest
class Fp8GpuTest {
    private static final int NEW_TOKENS = 50;
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);

    /** 0.035 was seen with weights in fp8; next to none would say that nothing is. */
    @Test
    void logprobs_fp8Weights_areNearThoseOfBfloat16() throws IOException {
        assertThat(difference(new Acceleration(true, true, Acceleration.Weights.FP8))).isBetween(0.001, 0.05);
    }

    @Test
    void logprobs_fp8KeysAndValues_areNearThoseOfBfloat16() throws IOException {
        assertThat(difference(new Acceleration(true, true, Acceleration.Weights.WIDE, true))).isBetween(0.001, 0.05);
    }

    /** The mean absolute difference of log-probabilities to those of bfloat16. */
    private static double difference(Acceleration acceleration) throws IOException {
        Path home = Path.of(System.getProperty("lockstep.home"));
        Checkpoint checkpoint = Checkpoint.open(home.resolve("examples/models/kjv-6m"));
        List<int[]> prompts = new ArrayList<>();
        try (Tokenizer tokenizer = Tokenizer.load(checkpoint.directory())) {
            for (String line : Files.readAllLines(home.resolve("examples/first-lines.jsonl"))) {
                prompts.add(tokenizer.encode(new ObjectMapper().readTree(line).get("prompt").asText(), true));
            }
        }
        List<int[]> texts = new ArrayList<>();
        List<float[]> logprobs = new ArrayList<>();
        for (boolean changed : new boolean[]{false, true}) {
            try (Decoder decoder = Decoder.load(checkpoint, Device.ofRank("cuda"), DType.BFLOAT16,
                    changed ? acceleration : new Acceleration(true, true, Acceleration.Weights.WIDE))) {
                if (!changed) {
                    texts.addAll(continued(decoder, prompts));
                }
                logprobs.add(logprobs(decoder, prompts, texts));
            }
        }
        double difference = 0;
        for (int i = 0; i < logprobs.get(0).length; i++) {
            difference += Math.abs(logprobs.get(0)[i] - logprobs.get(1)[i]);
        }
        System.out.printf("%s: %.4f over %d log-probabilities%n", acceleration,
                difference / logprobs.get(0).length, logprobs.get(0).length);
        return difference / logprobs.get(0).length;
    }

    /** Each prompt with its greedy continuation. */
    private static List<int[]> continued(Decoder decoder, List<int[]> prompts) {
        decoder.allocate(new DecoderAllocation(prompts.size(), 200));
        int[] first = decoder.prefill(admissions(prompts));
        List<int[]> texts = new ArrayList<>();
        for (int row = 0; row < prompts.size(); row++) {
            int[] text = Arrays.copyOf(prompts.get(row), prompts.get(row).length + NEW_TOKENS);
            text[prompts.get(row).length] = first[row];
            texts.add(text);
        }
        for (int step = 1; step < NEW_TOKENS; step++) {
            int[] chosen = decoder.step(prompts.size(), 1)[0];
            for (int row = 0; row < chosen.length; row++) {
                texts.get(row)[prompts.get(row).length + step] = chosen[row];
            }
        }
        return texts;
    }

    private static float[] logprobs(Decoder decoder, List<int[]> prompts, List<int[]> texts) {
        float[] logprobs = new float[prompts.size() * NEW_TOKENS];
        int at = 0;
        for (int step = 0; step < NEW_TOKENS; step++) {
            List<int[]> before = new ArrayList<>();
            for (int row = 0; row < prompts.size(); row++) {
                before.add(Arrays.copyOf(texts.get(row), prompts.get(row).length + step));
            }
            decoder.allocate(new DecoderAllocation(prompts.size(), 200));
            float[][] logits = decoder.firstLogits(admissions(before));
            for (int row = 0; row < logits.length; row++) {
                double sum = 0;
                for (float logit : logits[row]) {
                    sum += Math.exp(logit);
                }
                logprobs[at++] = (float) (logits[row][texts.get(row)[before.get(row).length]] - Math.log(sum));
            }
        }
        return logprobs;
    }

    private static List<Admission> admissions(List<int[]> prompts) {
        List<Admission> admissions = new ArrayList<>();
        for (int[] prompt : prompts) {
            admissions.add(new Admission(admissions.size(), prompt, GREEDY));
        }
        return admissions;
    }
}
