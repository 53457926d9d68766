package dev.lockstep.decoder;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.checkpoint.QuantizedWeight;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;

/**
 * How the weights of a mixture's experts are kept. Those in fewer bits are made numbers where kernels multiply by them, in the
 * type of computation, so that what they are multiplied by is not rounded.
 */
enum ExpertWeights {
    /** In the type of computation. */
    WIDE(16),
    /** fp8 (e4m3) with a scale for each row. */
    FP8(8),
    /** As GPT-OSS is stored: e2m1, with a power of 2 for each 32 of a row. */
    MXFP4(4);

    /** Numbers of a row that share a power of 2. */
    static final int GROUP = 32;
    private static final List<String> NAMES = List.of("expert_gate_up", "expert_down");

    private final int bits;

    ExpertWeights(int bits) {
        this.bits = bits;
    }

    /**
     * How they are best kept: in fewer bits where that changes nothing, or other products are in fp8, and kernels can.
     *
     * @param part       what this rank has of the model
     * @param checkpoint null for random weights, which are as the family's are stored
     * @param kept       how the weights of the other products are
     */
    static ExpertWeights of(ModelConfig part, @Nullable Checkpoint checkpoint, Device device, DType dtype,
            Acceleration acceleration, Acceleration.Weights kept) {
        if (part.experts() == null || device.isCpu() || dtype != DType.BFLOAT16 || !acceleration.kernels()
                || !CudaLayers.fits(part, dtype)) {
            return WIDE;
        }
        boolean stored = checkpoint == null ? part.experts().byTurns() : isMxfp4(checkpoint);
        if (stored && acceleration.weights() != Acceleration.Weights.WIDE) {
            return MXFP4;
        }
        return kept == Acceleration.Weights.FP8 ? FP8 : WIDE;
    }

    private static boolean isMxfp4(Checkpoint checkpoint) {
        return ModelWeight.of(checkpoint.config()).stream().filter(ExpertWeights::isOne).map(ModelWeight::parts)
                .flatMap(List::stream).map(ExpectedTensor::name)
                .allMatch(name -> checkpoint.updates(name).isEmpty()
                        && checkpoint.quantized(name).filter(QuantizedWeight::isMxfp4).isPresent());
    }

    /** Whether a weight is kept so: that of products with experts. */
    static boolean isOne(ModelWeight weight) {
        return NAMES.contains(weight.name());
    }

    int bits() {
        return bits;
    }

    /** Of the numbers in the device's memory. */
    ScalarType type(DType dtype) {
        return switch (this) {
            case WIDE -> DecoderProgram.scalarType(dtype);
            case FP8 -> ScalarType.FLOAT8_E4M3FN;
            case MXFP4 -> ScalarType.UINT8;
        };
    }

    /** Of their scales there; null where there are none. */
    @Nullable
    ScalarType scaleType() {
        return switch (this) {
            case WIDE -> null;
            case FP8 -> ScalarType.FLOAT32;
            case MXFP4 -> ScalarType.UINT8;
        };
    }
}
