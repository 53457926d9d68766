package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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
import static org.assertj.core.api.Assertions.within;

/** Prompts that are brought piece by piece. */
class PiecesTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
    private static final RowSampling SAMPLED = new RowSampling(false, 0.9, 50, 0.95, 0, 1.3, 0.5, 0.2, 0, new int[0],
            77, false, SamplingRefinements.NONE);
    private static final int[] PROMPT = new int[23];
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Decoder.load(Checkpoint.open(Golden.checkpoint("mistral-sliding")), Device.CPU, DType.FLOAT32,
                Acceleration.FULL);
        Arrays.setAll(PROMPT, i -> 5 + 37 * i);
    }

    @AfterAll
    static void close() {
        decoder.close();
    }

    private static List<Integer> text(int slot, int rows, int first) {
        List<Integer> text = new ArrayList<>(List.of(first));
        for (int half = 0; half < 2; half++) {
            for (int[] step : decoder.step(rows, 6)) {
                text.add(step[slot]);
            }
        }
        return text;
    }

    @Test
    void firstLogits_promptInPieces_areThoseOfTheWhole() {
        decoder.allocate(new DecoderAllocation(2, 64));
        float[] whole = decoder.firstLogits(List.of(new Admission(0, PROMPT, GREEDY)))[0];
        for (int piece : new int[]{1, 4, 22}) {
            decoder.allocate(new DecoderAllocation(2, 64));
            int from = 0;
            for (; from + piece < PROMPT.length; from += piece) {
                assertThat(decoder
                        .prefill(List.of(new Admission(1, PROMPT, from, from + piece, GREEDY))))
                                .isEmpty();
            }
            assertThat(decoder.firstLogits(
                    List.of(new Admission(1, PROMPT, from, PROMPT.length, GREEDY)))[0])
                            .containsExactly(whole, within(1e-4f));
        }
    }

    /** On a GPU steps are recorded for some more slots than are in use, and the next one may hold half a prompt. */
    @Test
    void step_overTheSlotOfAHalfBroughtPrompt_leavesNoTrace() {
        decoder.allocate(new DecoderAllocation(2, 64, 0, 1, true, 0));
        List<Integer> alone = text(0, 1, decoder.prefill(List.of(new Admission(0, PROMPT, SAMPLED)))[0]);

        decoder.allocate(new DecoderAllocation(2, 64, 0, 1, true, 0));
        decoder.prefill(List.of(new Admission(0, PROMPT, GREEDY)));
        for (int from = 0; from < 20; from += 5) {
            decoder.prefill(List.of(new Admission(1, PROMPT, from, from + 5, SAMPLED)));
            decoder.step(2, 3);
        }
        int first = decoder
                .prefill(List.of(new Admission(1, PROMPT, 20, PROMPT.length, SAMPLED)))[0];
        assertThat(text(1, 2, first)).isEqualTo(alone);
    }
}
