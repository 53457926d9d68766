package dev.lockstep.batch;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.generate.Generator;
import dev.lockstep.host.Amounts;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;

/**
 * What a checkpoint takes on disk and on a GPU.
 *
 * @param stored    types of the weights in the files
 * @param diskBytes of the weights in the files
 * @param dtype     to compute in
 * @param gpuBytes  of the weights in that type
 */
record ModelMemory(ModelConfig config, String stored, long diskBytes, DType dtype, long gpuBytes) {
    private static final int SHORT = 2048;

    /** @param dtype to compute in; empty for the checkpoint's */
    static ModelMemory of(Checkpoint checkpoint, Optional<DType> dtype) {
        DType type = dtype.orElse(checkpoint.config().dtype());
        String stored = checkpoint.tensors().values().stream().map(tensor -> tensor.type().toString()).distinct()
                .sorted().collect(Collectors.joining(" and "));
        boolean fp8 = type == DType.BFLOAT16 && checkpoint.isFp8ByRow();
        long gpuBytes = Checkpoint.expected(checkpoint.config()).stream().mapToLong(
                tensor -> elements(tensor)
                        * (fp8 && tensor.isLinearOfLayer() && !tensor.isOfExperts() ? 1 : type.bytes()))
                .sum();
        return new ModelMemory(checkpoint.config(), stored, checkpoint.bytes(), type, gpuBytes);
    }

    static long parameters(ModelConfig config) {
        return Checkpoint.expected(config).stream().mapToLong(ModelMemory::elements).sum();
    }

    private static long elements(ExpectedTensor tensor) {
        return Arrays.stream(tensor.shape()).asLongStream().reduce(1, (a, b) -> a * b);
    }

    /**
     * Two lines about it.
     *
     * @param gigabytes of a GPU
     */
    String lines(double gigabytes) {
        long free = Math.round(gigabytes * 1e9) - gpuBytes;
        int context = config.contextLength();
        int slots = Generator.gpuSlots(config, dtype, free, context);
        int rows = Generator.gpuSlots(config, dtype, free, Math.min(SHORT, context));
        String gpu = String.format(Locale.ROOT, "a GPU of %s ", Amounts.bytes(Math.round(gigabytes * 1e9)));
        String fits = rows == 0
                ? "does not hold it"
                : String.format(Locale.ROOT, "holds it and %s%s",
                        context > SHORT ? String.format(Locale.ROOT, "%,d rows of %,d tokens, or ", rows, SHORT) : "",
                        slots == 0
                                ? String.format(Locale.ROOT, "no row of %,d, the context", context)
                                : String.format(Locale.ROOT, "%,d rows of %,d tokens, the context", slots, context));
        return String.format(Locale.ROOT,
                "%s of weights as %s on disk, %s as %s on a GPU, and %s for each token of a row%n%s%s",
                Amounts.bytes(diskBytes), stored, Amounts.bytes(gpuBytes), dtype,
                Amounts.bytes(config.tokenBytes(dtype)), gpu, fits);
    }
}
