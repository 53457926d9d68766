package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingRefinements;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Penalties within a running decoder, against logits computed anew at every step and the formulas in Java. */
class PenaltiesTest {
    private static final int NEW_TOKENS = 24;
    private static final double[][] PENALTIES = {{1, 0, 0}, {1, 0.2, 0}, {1, 0, 0.03}, {1, 0.1, 0.02}, {1, -0.1, -0.05},
            {1.3, 0.1, 0.04}, {1.3, 0, 0}};

    private static Decoder decoder;
    private static Decoder anew;
    private static JsonNode cases;

    @BeforeAll
    static void load() {
        decoder = Decoder.load(Checkpoint.open(Golden.checkpoint("qwen2")), Device.CPU, DType.FLOAT32,
                Acceleration.FULL);
        anew = Decoder.load(Checkpoint.open(Golden.checkpoint("qwen2")), Device.CPU, DType.FLOAT32, Acceleration.FULL);
        cases = Golden.expected("qwen2").get("cases");
    }

    @AfterAll
    static void close() {
        decoder.close();
        anew.close();
    }

    @Test
    void step_rowsOfManyPenalties_takeTheBestTokenByTheFormulas() {
        List<Admission> rows = rows();
        decoder.allocate(new DecoderAllocation(rows.size(), 128, 0, 1, true, 0));
        List<List<Integer>> texts = new ArrayList<>();
        for (int token : decoder.prefill(rows)) {
            texts.add(new ArrayList<>(List.of(token)));
        }
        for (int step = 1; step < NEW_TOKENS; step++) {
            int[] tokens = decoder.step(rows.size(), 1)[0];
            for (int row = 0; row < tokens.length; row++) {
                texts.get(row).add(tokens[row]);
            }
        }

        for (int row = 0; row < texts.size(); row++) {
            assertThat(texts.get(row)).as("penalties %s", PENALTIES[row]).isEqualTo(byTheFormulas(rows.get(row)));
        }
        assertThat(texts).doesNotHaveDuplicates();
    }

    @Test
    void move_penalizedRow_takesItsCountsAlong() {
        Admission row = rows().get(5);
        List<Integer> text = new ArrayList<>();
        decoder.allocate(new DecoderAllocation(2, 128, 0, 1, true, 0));
        text.add(decoder.prefill(List.of(new Admission(0, row.tokens(), rows().get(0).settings()),
                new Admission(1, row.tokens(), row.settings())))[1]);
        for (int step = 1; step < 8; step++) {
            text.add(decoder.step(2, 1)[0][1]);
        }
        decoder.move(1, 0);
        for (int step = 8; step < NEW_TOKENS; step++) {
            text.add(decoder.step(1, 1)[0][0]);
        }
        assertThat(text).isEqualTo(byTheFormulas(row));
    }

    private static List<Admission> rows() {
        List<Admission> rows = new ArrayList<>();
        for (double[] p : PENALTIES) {
            rows.add(new Admission(rows.size(), Golden.ints(cases.get(0).get("prompt_ids")),
                    new RowSampling(true, 1, 0, 1, 0, p[0], p[1], p[2], 0, new int[0], 0, false,
                            SamplingRefinements.NONE)));
        }
        return rows;
    }

    private static List<Integer> byTheFormulas(Admission row) {
        List<Integer> text = new ArrayList<>();
        anew.allocate(new DecoderAllocation(1, 128, 0, 1, false, 0));
        for (int step = 0; step < NEW_TOKENS; step++) {
            int[] tokens = IntStream.concat(Arrays.stream(row.tokens()),
                    text.stream().mapToInt(token -> token)).toArray();
            float[] logits = anew.firstLogits(List.of(new Admission(0, tokens, row.settings())))[0];
            int best = 0;
            for (int token = 0; token < logits.length; token++) {
                int t = token;
                long times = text.stream().filter(seen -> seen == t).count();
                double x = logits[token];
                if (Arrays.stream(tokens).anyMatch(seen -> seen == t)) {
                    x = x < 0 ? x * row.settings().repetitionPenalty() : x / row.settings().repetitionPenalty();
                }
                x -= (times > 0 ? row.settings().presencePenalty() : 0) + times * row.settings().frequencyPenalty();
                logits[token] = (float) x;
                best = logits[token] > logits[best] ? token : best;
            }
            text.add(best);
        }
        return text;
    }
}
