package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingKind;

/**
 * Microseconds that sampling takes on a GPU, by the program and by the kernel; by hand, where the test classes and the
 * project's jars are on the class path.
 */
final class SamplerTimes {
    private static final int VOCABULARY = 128256;
    private static final int REPEATS = 20;

    private SamplerTimes() {}

    public static void main(String[] args) {
        CudaGraph.usePoolStream();
        System.out.println("microseconds a step, the program's and the kernel's, vocabulary " + VOCABULARY);
        try (SamplerPair pair = new SamplerPair(VOCABULARY)) {
            for (int rows : new int[]{1, 100, 512}) {
                measure(pair, "greedy", rows, true, 0, 1);
                measure(pair, "plain sampling", rows, false, 0, 1);
                measure(pair, "top-p 0.9", rows, false, 0, 0.9);
                measure(pair, "top-k 50", rows, false, 50, 1);
                measure(pair, "top-k 50, top-p 0.9", rows, false, 50, 0.9);
            }
        }
    }

    private static void measure(SamplerPair pair, String name, int rows, boolean greedy, int topK, double topP) {
        RowSampling[] settings = new RowSampling[rows];
        Arrays.setAll(settings, row -> new RowSampling(greedy, 1, topK, topP, 0, 1, 0, new int[0], row));
        pair.allocate(new DecoderAllocation(rows, 2));
        pair.program.admit(IntStream.range(0, rows).mapToObj(slot -> new Admission(slot, new int[0], settings[slot]))
                .toList());
        pair.randomLogits(rows, 1, 3, false, 0, 0);
        SamplingKind kind = SamplingKind.of(settings);
        double reference = microseconds(pair, () -> pair.program.sampleStep(rows, kind));
        double ours = microseconds(pair, () -> pair.kernel.sample(rows, kind, false));
        System.out.printf(Locale.ROOT, "%3d rows, %-20s %9.1f %9.1f%n", rows, name, reference, ours);
    }

    /** Of one step among many that are recorded together. */
    private static double microseconds(SamplerPair pair, Runnable step) {
        for (int i = 0; i < 6; i++) {
            step.run();
        }
        pair.program.read(1, 1);
        try (CudaGraph graph = CudaGraph.record(null, () -> {
            for (int i = 0; i < REPEATS; i++) {
                step.run();
            }
        })) {
            graph.replay();
            pair.program.read(1, 1);
            long start = System.nanoTime();
            for (int i = 0; i < 3; i++) {
                graph.replay();
            }
            pair.program.read(1, 1);
            return (System.nanoTime() - start) / 1e3 / 3 / REPEATS;
        }
    }
}
