package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import ai.djl.pytorch.jni.JniUtils;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.decoder.sampling.LogitEdits;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.decoder.sampling.SamplingRefinements;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Sampling by our own kernel against the TorchScript program's, from the same random logits, settings and state. Where two
 * tokens all but tie, or one stands at the very edge of a filter, the two may differ: in one choice of a thousand.
 */
@GpuTest
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SamplerGpuTest {
    private static final int[] ROWS = {1, 7, 130};
    private static final double[] DEVIATIONS = {0.05, 1, 3, 10};
    private static final int STEPS = 3;
    /** So few that rows run into the end of their slot. */
    private static final int CAPACITY = 2;
    private static final int ENDS = 3;

    /** What some of the rows of a case have. */
    private enum Kind {
        GREEDY, PLAIN, FILTERED, ALL
    }

    private final SplittableRandom random = new SplittableRandom(7);
    private final List<String> differences = new ArrayList<>();
    private final List<String> wrong = new ArrayList<>();
    private int choices;
    private int vocabulary;

    @ParameterizedTest(name = "vocabulary {0}, {1}")
    @CsvSource({"17, GREEDY", "17, PLAIN", "17, FILTERED", "17, ALL", "1000, GREEDY", "1000, PLAIN", "1000, FILTERED",
            "1000, ALL", "32001, GREEDY", "32001, PLAIN", "32001, FILTERED", "32001, ALL", "128256, GREEDY",
            "128256, PLAIN", "128256, FILTERED", "128256, ALL"})
    void sample_kernel_leavesWhatTheProgramDoes(int vocabulary, Kind kind) {
        this.vocabulary = vocabulary;
        wrong.clear();
        try (SamplerPair pair = new SamplerPair(vocabulary)) {
            // which would compile for each case
            TorchScriptProgram.withoutOptimizer();
            run(pair, kind);
        }
        assertThat(wrong).isEmpty();
    }

    /** The tests that follow in this thread compare with the program as ranks run it. */
    @AfterAll
    static void optimizeAgain() {
        JniUtils.setGraphExecutorOptimize(true);
    }

    @AfterAll
    void choicesThatDiffer_areFew() {
        assertThat(1000 * differences.size()).as("%d choices, of which differ: %s", choices, differences)
                .isLessThanOrEqualTo(choices);
    }

    private void run(SamplerPair pair, Kind kind) {
        int key = 0;
        for (int rows : ROWS) {
            for (double deviation : DEVIATIONS) {
                for (boolean coarse : new boolean[]{false, true}) {
                    RowSampling[] settings = new RowSampling[rows];
                    Arrays.setAll(settings, row -> settings(kind));
                    pair.allocate(new DecoderAllocation(rows + 3, CAPACITY, 0, ENDS, true, 0));
                    pair.program.admit(IntStream.range(0, rows).mapToObj(slot -> new Admission(slot,
                            random.ints(vocabulary / 4, 0, vocabulary).toArray(), settings[slot])).toList());
                    for (int step = 0; step < STEPS; step++) {
                        key += 2;
                        compare(pair, settings, key, deviation, coarse, key % 4 == 0 ? 0.3 : 0);
                    }
                }
            }
        }
    }

    private RowSampling settings(Kind kind) {
        boolean greedy = kind == Kind.GREEDY || kind == Kind.ALL && random.nextInt(5) == 0;
        boolean filters = kind == Kind.FILTERED || kind == Kind.ALL;
        boolean penalties = kind == Kind.GREEDY || kind == Kind.ALL;
        int[] ends = random.ints(random.nextInt(ENDS + 1), 0, vocabulary).toArray();
        return new RowSampling(greedy, random.nextDouble(0.3, 2), filters ? any(0, 1, 5, 50, vocabulary) : 0,
                filters ? any(0.1, 0.9, 0.99, 1) : 1, filters ? any(0, 0.05) : 0, penalties ? any(1, 1.3) : 1,
                penalties ? any(0, 0.5) : 0, penalties ? any(0, 0.3) : 0, penalties ? any(0, 2) : 0, ends,
                random.nextLong(), false, new SamplingRefinements(penalties ? any(1, 1.4) : 1, 1, 0, 0, any(0, 1),
                        penalties ? any(1, 1.5) : 1));
    }

    private static void edit(SamplerPair pair, List<LogitEdits> edits) {
        if (!edits.isEmpty()) {
            pair.program.edit(edits);
        }
    }

    /** Masks, some of which two rows have, biases and tokens that alone are left. */
    private List<LogitEdits> edits(int rows) {
        List<long[]> masks = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            long[] mask = new long[(vocabulary + Long.SIZE - 1) / Long.SIZE];
            random.ints(1 + vocabulary / 3, 0, vocabulary)
                    .forEach(token -> mask[token / Long.SIZE] |= 1L << token % Long.SIZE);
            masks.add(mask);
        }
        return IntStream.range(0, rows).mapToObj(row -> {
            int[] tokens = row % 3 == 0 ? random.ints(3, 0, vocabulary).distinct().toArray() : new int[0];
            int[] only = row % 7 == 1 ? random.ints(4, 0, vocabulary).distinct().toArray() : new int[0];
            return new LogitEdits(tokens, random.doubles(tokens.length, -9, 9).toArray(), only,
                    row % 4 == 3 ? LogitEdits.ALL : masks.get(row % 3));
        }).toList();
    }

    private double any(double... values) {
        return values[random.nextInt(values.length)];
    }

    private int any(int... values) {
        return values[random.nextInt(values.length)];
    }

    /** One step by the program and by the kernel; the program's is where the next one begins. */
    private void compare(SamplerPair pair, RowSampling[] settings, int key, double deviation, boolean coarse,
            double holes) {
        int rows = settings.length;
        SamplingKind kind = SamplingKind.of(settings);
        double noNumbers = key % 6 == 0 ? 0.5 / vocabulary : 0;
        List<LogitEdits> edits = key % 8 == 0 ? edits(rows) : List.of();
        pair.randomLogits(rows, key, deviation, coarse, holes, noNumbers);
        pair.keep(0);
        edit(pair, edits);
        pair.program.sampleStep(rows, kind);
        pair.keep(1);
        int[] expected = pair.program.read(1, rows);
        pair.restore(0);
        edit(pair, edits);
        pair.kernel.sample(rows, kind, !edits.isEmpty());
        int[] chosen = pair.program.read(1, rows);
        float[][] changed = pair.changed(1);
        choices += rows;
        if (IntStream.range(0, rows).anyMatch(row -> expected[row] < 0 != chosen[row] < 0)) {
            wrong.add("step " + key + ": one says that it cannot sample from these logits, the other does");
        } else if (!Arrays.equals(expected, chosen)) {
            pair.restore(0);
            pair.randomLogits(rows, key, deviation, coarse, holes, noNumbers);
            float[][] race = pair.race(rows, chosen, kind);
            for (int row = 0; row < rows; row++) {
                if (expected[row] != chosen[row]) {
                    differences.add(String.format(Locale.ROOT, "%d instead of %d, whose clock is ahead by %.2e: %s",
                            chosen[row], expected[row], 1 - race[row][0] / race[row][1], settings[row]));
                }
            }
        }
        for (int slot = 0; slot < changed[0].length; slot++) {
            for (int state = 0; state < SamplerPair.STATES; state++) {
                // the kernel leaves what other slots chose where it is
                boolean same = slot < rows ? expected[slot] == chosen[slot] : state != SamplerPair.CHOSEN;
                if (same && changed[state][slot] > 0) {
                    wrong.add("step " + key + ": state " + state + " of slot " + slot + " is not the program's");
                }
            }
        }
        pair.restore(1);
    }
}
