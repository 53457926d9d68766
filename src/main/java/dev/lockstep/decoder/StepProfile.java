package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import com.sun.jna.Pointer;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.cuda.Launches;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;

/**
 * What the kinds of a pass's launches take. Of a step: for each it is recorded with that kind alone, so that all layers' weights
 * pass through the device's cache as they do in a step, and replayed. Values are then wrong, which no time depends on but that
 * of a mixture's products. Of prompts, whose kernels are long: the time from each launch to the next.
 *
 * @param part   what this rank has of the model
 * @param leaves additions to the residual stream are part of norms
 * @param rows   of the pass
 * @param parts  that its rows go through norms and products in
 * @param seen   bytes of keys and values that a layer's attention reads
 */
record StepProfile(ModelConfig part, DType dtype, boolean fp8, boolean leaves, int rows, int parts, long seen) {
    private static final int WARM = 2;
    private static final int REPLAYS = 20;

    /**
     * In the order of a step, the choice of tokens last, after which rows are longer than anybody knows.
     *
     * @param step what a recording sees; all that it needs first has been done
     */
    List<KernelTime> measure(Runnable step) {
        Map<String, Launches.Kind> kinds = Launches.of(() -> CudaGraph.record(null, step).close());
        List<KernelTime> times = new ArrayList<>();
        kinds.forEach((name, kind) -> times.add(new KernelTime(name, kind.count(),
                seconds(() -> Launches.only(name, step)) / kind.count(),
                kind.bytes() > 0 ? kind.bytes() : bytes(name), kind.operations())));
        return times;
    }

    /** In the order of a pass over prompts, which is done once. */
    List<KernelTime> timed(Runnable pass) {
        List<KernelTime> times = new ArrayList<>();
        Launches.timed(CudaDriver.stream(), pass).forEach((name, kind) -> times.add(new KernelTime(name, kind.count(),
                kind.seconds() / kind.count(), kind.bytes() > 0 ? kind.bytes() : bytes(name), kind.operations())));
        return times;
    }

    private static double seconds(Runnable work) {
        Pointer stream = CudaDriver.stream();
        try (CudaGraph graph = CudaGraph.record(null, work)) {
            for (int i = 0; i < WARM; i++) {
                graph.replay();
            }
            CudaDriver.await(stream);
            long start = System.nanoTime();
            for (int i = 0; i < REPLAYS; i++) {
                graph.replay();
            }
            CudaDriver.await(stream);
            return (System.nanoTime() - start) / 1e9 / REPLAYS;
        }
    }

    /** As the kernels' sources say. */
    private long bytes(String name) {
        long value = dtype.bytes();
        long hidden = (long) rows * part.hidden();
        long queries = (long) rows * part.heads() * part.headDim();
        long keys = (long) rows * part.kvHeads() * part.headDim();
        long narrow = fp8 ? 1 : value;
        return switch (name) {
            case "rmsNorm" -> hidden / parts * ((leaves ? 3 : 1) * value + narrow);
            case CudaLayers.PEER_NORM -> hidden * (4 * value + narrow);
            case "attend" -> seen + (2 * queries + 2 * keys) * value;
            case "place" -> (2 * queries + 6 * keys) * value;
            case CudaPrefill.ATTENTION -> (2 * queries + 2 * keys) * value;
            case "quantize" -> queries / parts * (value + 1);
            case "headNorms" -> 2 * (queries + keys) * value;
            case "swiglu" -> (long) rows / parts * part.intermediate()
                    * ((part.activation().isAlone() ? 1 : 2) * value + narrow);
            case "scaleRows" -> 2 * hidden / parts * value;
            case "embed", "peerSum" -> 2 * hidden * value;
            case "sample", "finishLogits" -> (long) rows * part.vocabulary() * Float.BYTES;
            default -> 0;
        };
    }
}
