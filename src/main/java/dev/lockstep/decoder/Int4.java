package dev.lockstep.decoder;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.checkpoint.QuantizedWeight;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceMemory;

/** Where the layers' weights stay in 4 bits on a GPU. */
final class Int4 {
    private static final Logger LOG = LoggerFactory.getLogger(Int4.class);
    private static final String OTHERWISE = "leave out --quantize int4, and weights are in 16 bits";
    // of kernels/int4.cu
    private static final int COLUMNS = 64;
    private static final int ROWS = 16;
    private static final int SMALLEST_GROUP = 32;
    private static final int FIRST_ARCHITECTURE = 80;
    /** Weights that would leave so little of a GPU's memory to everything else stay small. */
    private static final double MOST_OF_MEMORY = 0.6;

    private Int4() {}

    /**
     * Decides whether weights stay in 4 bits.
     *
     * @param config     of the rank's part
     * @param checkpoint null for random weights
     * @param replica    the ranks that compute the model together, which decide alike
     * @throws ModelException when that is asked for and cannot be
     */
    static boolean isKept(DecoderProgram program, ModelConfig config, @Nullable Checkpoint checkpoint, Device device,
            DType dtype, Acceleration acceleration, Replica replica, DeviceMemory memory) {
        Supplier<Optional<String>> refusal = () -> refusal(program, config, device, dtype, acceleration)
                .or(() -> checkpoint == null ? Optional.empty() : refusal(checkpoint));
        if (acceleration.weights() == Acceleration.Weights.INT4) {
            refusal.get().ifPresent(reason -> {
                throw new ModelException(reason);
            });
            return true;
        }
        if (acceleration.weights() != Acceleration.Weights.AS_STORED || device.isCpu() || checkpoint == null) {
            return false;
        }
        long wide = wideBytes(config, dtype);
        long free = replica.least(memory.free());
        if (wide <= MOST_OF_MEMORY * free || refusal.get().isPresent()) {
            return false;
        }
        LOG.info("weights stay in 4 bits, since in {} they would take {} GB of the {} GB that the GPU has free", dtype,
                Math.round(wide / 1e9), Math.round(free / 1e9));
        return true;
    }

    private static long wideBytes(ModelConfig config, DType dtype) {
        return ModelWeight.of(config).stream().mapToLong(weight -> IntStream.of(weight.shape()).asLongStream()
                .reduce(dtype.bytes(), (a, b) -> a * b)).sum();
    }

    private static Optional<String> refusal(DecoderProgram program, ModelConfig config, Device device, DType dtype,
            Acceleration acceleration) {
        if (device.isCpu() || dtype == DType.FLOAT32) {
            return refused("weights stay in 4 bits on a GPU and in 16 bits only, not on " + device + " in " + dtype);
        }
        if (!acceleration.kernels()) {
            return refused("weights that stay in 4 bits need Lockstep's CUDA kernels, which --kernels off turns off");
        }
        if (config.experts() != null || !CudaLayers.fits(config, dtype)
                || !DecoderProgram.hasFlashAttention(config, dtype, device)
                || IntStream.of(config.hidden(), config.intermediate(), config.heads() * config.headDim())
                        .anyMatch(width -> width % COLUMNS != 0)
                || config.kvHeads() * config.headDim() % ROWS != 0) {
            return refused("the kernels for weights in 4 bits do not take the shapes of " + config.family() + " here");
        }
        program.useDevice(device);
        int architecture = CudaDriver.architecture();
        return architecture >= FIRST_ARCHITECTURE
                ? Optional.empty()
                : refused(
                        String.format(Locale.ROOT, "weights that stay in 4 bits need a GPU of compute capability 8.0 or"
                                + " later, and this one has %.1f", architecture / 10.0));
    }

    private static Optional<String> refused(String why) {
        return Optional.of(why + ": " + OTHERWISE + ".");
    }

    /** Why the weights of a checkpoint cannot stay as they are, if so. */
    static Optional<String> refusal(Checkpoint checkpoint) {
        return ModelWeight.of(checkpoint.config()).stream().map(ModelWeight::parts)
                .filter(parts -> parts.get(0).isLinearOfLayer()).map(parts -> refusal(checkpoint, parts))
                .flatMap(Optional::stream).findFirst().map(why -> checkpoint.directory() + ": " + why);
    }

    private static Optional<String> refusal(Checkpoint checkpoint, List<ExpectedTensor> parts) {
        int group = 0;
        for (ExpectedTensor part : parts) {
            Optional<QuantizedWeight> weight = checkpoint.quantized(part.name()).filter(QuantizedWeight::isInt4);
            if (weight.isEmpty()) {
                return Optional.of(part.name() + " is not in 4 bits, and --quantize int4 keeps such weights, but makes"
                        + " none: take a checkpoint that an int4 tool has made (awq, gptq, w4a16), or --quantize fp8.");
            }
            if (!checkpoint.updates(part.name()).isEmpty()) {
                return refused("an adapter changes " + part.name());
            }
            int columns = weight.get().blockColumns();
            int all = part.shape()[1];
            boolean even = columns >= all
                    || Integer.bitCount(columns) == 1 && columns >= SMALLEST_GROUP && all % columns == 0;
            if (!even || group != 0 && group != columns) {
                return refused("the kernels for weights in 4 bits do not take groups of " + columns + " columns, as "
                        + part.name() + " has them in " + all);
            }
            group = columns;
            if (!weight.get().isInOrder()) {
                return refused("the columns of " + part.name()
                        + " are out of order (act-order), which the kernels for weights in 4 bits do not take");
            }
        }
        return Optional.empty();
    }
}
