package dev.lockstep.decoder;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.TorchScriptProgram;

/**
 * The choice of tokens by our own kernel against the TorchScript program's, from the same random logits, settings and
 * state: by hand on a machine with a GPU. {@code ChoiceCheck} prints a line for each vocabulary and kind of rows and for
 * each choice that differs, and ends with the number of failures as exit code; {@code ChoiceCheck times} measures both.
 */
final class ChoiceCheck {
    private static final String DEVICE = "cuda:0";
    private static final SplittableRandom RANDOM = new SplittableRandom(7);
    private static final int[] VOCABULARIES = {17, 1000, 32001, 128256};
    private static final int[] ROWS = {1, 7, 130};
    private static final double[] DEVIATIONS = {0.05, 1, 3, 10};
    private static final int STEPS = 3;
    /** So few that rows run into the end of their slot. */
    private static final int CAPACITY = 2;
    private static final int ENDS = 3;
    // of one of the program's answers
    private static final int STATES = 5;
    private static final int CHOSEN = 4;
    private static final int REPEATS = 20;

    /** What some of the rows of a case have. */
    private enum Kind {
        GREEDY, PLAIN, FILTERED, ALL
    }

    // with the methods that are there for this check
    private final TorchScriptProgram checks;
    private final DecoderProgram program;
    private final CudaSampler kernel;
    private final int vocabulary;
    private int choices;
    private int different;
    private int broken;

    private ChoiceCheck(int vocabulary) {
        this.vocabulary = vocabulary;
        checks = program();
        program = new DecoderProgram(checks);
        checks.integer("configure", 1, 1, 8, ScalarType.FLOAT32, DEVICE, false);
        program.stageRandom(new int[]{vocabulary, 8}, 1);
        program.keep("embed");
        kernel = new CudaSampler(program, vocabulary,
                new KernelCompiler(Path.of(System.getProperty("java.io.tmpdir"), "kernels")));
    }

    /** The decoder's program with what only tests ask of it. */
    static TorchScriptProgram program() {
        return TorchScriptProgram.load(Decoder.class, "Decoder",
                Stream.concat(DecoderProgram.PARTS.stream(), Stream.of("choice-checks.torchscript")).toList());
    }

    public static void main(String[] args) {
        if (args.length > 0) {
            ChoiceCheck check = new ChoiceCheck(128256);
            CudaGraph.usePoolStream();
            check.measure();
            return;
        }
        int choices = 0;
        int different = 0;
        int broken = 0;
        for (int vocabulary : VOCABULARIES) {
            for (Kind kind : Kind.values()) {
                ChoiceCheck check = new ChoiceCheck(vocabulary);
                // which would compile for each case
                TorchScriptProgram.withoutOptimizer();
                check.run(kind);
                System.out.printf(Locale.ROOT, "vocabulary %6d, %-8s: %5d choices, %d differ, %d left another state%n",
                        vocabulary, kind, check.choices, check.different, check.broken);
                choices += check.choices;
                different += check.different;
                broken += check.broken;
                check.program.close();
            }
        }
        int failures = broken + (1000 * different > choices ? different : 0);
        System.out.printf(Locale.ROOT, "%s: %d of %d choices differ, %d left another state%n",
                failures == 0 ? "ok" : "FAILED", different, choices, broken);
        System.exit(Math.min(failures, 100));
    }

    private void run(Kind kind) {
        int key = 0;
        for (int rows : ROWS) {
            for (double deviation : DEVIATIONS) {
                for (boolean coarse : new boolean[]{false, true}) {
                    RowSampling[] settings = new RowSampling[rows];
                    Arrays.setAll(settings, row -> random(kind));
                    admit(rows + 3, settings);
                    for (int step = 0; step < STEPS; step++) {
                        key += 2;
                        compare(settings, key, deviation, coarse, key % 4 == 0 ? 0.3 : 0);
                    }
                }
            }
        }
    }

    private RowSampling random(Kind kind) {
        boolean greedy = kind == Kind.GREEDY || kind == Kind.ALL && RANDOM.nextInt(5) == 0;
        boolean filters = kind == Kind.FILTERED || kind == Kind.ALL;
        boolean penalties = kind == Kind.GREEDY || kind == Kind.ALL;
        int[] ends = RANDOM.ints(RANDOM.nextInt(ENDS + 1), 0, vocabulary).toArray();
        return new RowSampling(greedy, RANDOM.nextDouble(0.3, 2), filters ? any(0, 1, 5, 50, vocabulary) : 0,
                filters ? any(0.1, 0.9, 0.99, 1) : 1, filters ? any(0, 0.05) : 0, penalties ? any(1, 1.3) : 1,
                penalties ? any(0, 0.5) : 0, penalties ? any(0, 0.3) : 0, penalties ? any(0, 2) : 0, ends,
                RANDOM.nextLong(), false, new SamplingRefinements(penalties ? any(1, 1.4) : 1, 1, 0, 0, any(0, 1),
                        penalties ? any(1, 1.5) : 1));
    }

    private static double any(double... values) {
        return values[RANDOM.nextInt(values.length)];
    }

    private static int any(int... values) {
        return values[RANDOM.nextInt(values.length)];
    }

    private void admit(int slots, RowSampling... settings) {
        allocate(new Allocation(slots, CAPACITY, ENDS, true, 0));
        for (int slot = 0; slot < settings.length; slot++) {
            program.admit(slot, settings[slot], RANDOM.ints(vocabulary / 4, 0, vocabulary).toArray());
        }
    }

    private void allocate(Allocation size) {
        program.allocateCache(size.slots(), size.capacity());
        program.allocateSlots(size, vocabulary);
        program.allocateLogits(size.slots());
        kernel.allocate(size);
    }

    /** One step by the program and by the kernel; the program's is where the next one begins. */
    private void compare(RowSampling[] settings, int key, double deviation, boolean coarse, double holes) {
        int rows = settings.length;
        SamplingKind kind = SamplingKind.of(settings);
        double noNumbers = key % 6 == 0 ? 0.5 / vocabulary : 0;
        checks.integer("random_logits", rows, key, deviation, coarse, holes, noNumbers);
        checks.integer("keep_rows", 0);
        program.sampleStep(rows, kind);
        checks.integer("keep_rows", 1);
        int[] expected = program.read(1, rows);
        checks.integer("restore_rows", 0);
        kernel.sample(rows, kind, false);
        int[] chosen = program.read(1, rows);
        float[][] changed = checks.floats("changed_rows", 1);
        choices += rows;
        if (LongStream.range(0, rows).anyMatch(row -> expected[(int) row] < 0 != chosen[(int) row] < 0)) {
            // one says that it cannot be chosen from these logits, the other chooses
            broken++;
        } else if (!Arrays.equals(expected, chosen)) {
            checks.integer("restore_rows", 0);
            checks.integer("random_logits", rows, key, deviation, coarse, holes, noNumbers);
            float[][] race = checks.floats("race_of", rows, Arrays.stream(chosen).asLongStream().toArray(),
                    kind.filtered(), kind.penalized(), kind.ends());
            for (int row = 0; row < rows; row++) {
                if (expected[row] != chosen[row]) {
                    different++;
                    System.out.printf(Locale.ROOT, "  %d instead of %d, whose clock is ahead by %.2e: %s%n",
                            chosen[row],
                            expected[row], 1 - race[row][0] / race[row][1], settings[row]);
                }
            }
        }
        for (int slot = 0; slot < changed[0].length; slot++) {
            for (int state = 0; state < STATES; state++) {
                // the kernel leaves what other slots chose where it is
                boolean same = slot < rows ? expected[slot] == chosen[slot] : state != CHOSEN;
                if (same && changed[state][slot] > 0) {
                    broken++;
                }
            }
        }
        checks.integer("restore_rows", 1);
    }

    private void measure() {
        System.out.println("microseconds a step, the program's and the kernel's, vocabulary " + vocabulary);
        for (int rows : new int[]{1, 100, 512}) {
            measure("greedy", rows, true, 0, 1);
            measure("plain sampling", rows, false, 0, 1);
            measure("top-p 0.9", rows, false, 0, 0.9);
            measure("top-k 50", rows, false, 50, 1);
            measure("top-k 50, top-p 0.9", rows, false, 50, 0.9);
        }
    }

    private void measure(String name, int rows, boolean greedy, int topK, double topP) {
        RowSampling[] settings = new RowSampling[rows];
        Arrays.setAll(settings,
                row -> new RowSampling(greedy, 1, topK, topP, 0, 1, 0, new int[0], RANDOM.nextLong()));
        allocate(new Allocation(rows, CAPACITY, ENDS, false, 0));
        for (int slot = 0; slot < rows; slot++) {
            program.admit(slot, settings[slot], new int[0]);
        }
        checks.integer("random_logits", rows, 1, 3.0, false, 0.0, 0.0);
        SamplingKind kind = SamplingKind.of(settings);
        double reference = microseconds(
                () -> program.sampleStep(rows, kind));
        double ours = microseconds(() -> kernel.sample(rows, kind, false));
        System.out.printf(Locale.ROOT, "%3d rows, %-20s %9.1f %9.1f%n", rows, name, reference, ours);
    }

    /** Of one step among many that are recorded together. */
    private double microseconds(Runnable step) {
        for (int i = 0; i < 6; i++) {
            step.run();
        }
        program.read(1, 1);
        try (CudaGraph graph = CudaGraph.record(null, () -> {
            for (int i = 0; i < REPEATS; i++) {
                step.run();
            }
        })) {
            graph.replay();
            program.read(1, 1);
            long start = System.nanoTime();
            for (int i = 0; i < 3; i++) {
                graph.replay();
            }
            program.read(1, 1);
            return (System.nanoTime() - start) / 1e3 / 3 / REPEATS;
        }
    }
}
