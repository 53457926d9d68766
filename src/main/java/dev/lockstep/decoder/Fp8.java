package dev.lockstep.decoder;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

import dev.lockstep.checkpoint.KvScales;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;

/** Where fp8 (e4m3) takes the place of wider types on a GPU. */
final class Fp8 {
    private static final int WIDTH = 16;
    private static final int HEAD = 32;
    private static final int FIRST_ARCHITECTURE = 89;

    private Fp8() {}

    /**
     * Decides whether the layers' products are in fp8, and tells the program.
     *
     * @throws ModelException when they are asked for and cannot be
     */
    static boolean useForProducts(DecoderProgram program, ModelConfig config, Device device, DType dtype,
            Acceleration.Weights weights, boolean storedInFp8) {
        if (weights != Acceleration.Weights.FP8 && !(weights == Acceleration.Weights.AS_STORED && storedInFp8)) {
            return false;
        }
        Optional<String> refusal = refusal(program, config, device, dtype);
        if (refusal.isPresent()) {
            if (weights == Acceleration.Weights.FP8) {
                throw new ModelException(refusal.get());
            }
            return false;
        }
        program.useFp8();
        return true;
    }

    private static Optional<String> refusal(DecoderProgram program, ModelConfig config, Device device, DType dtype) {
        if (device.isCpu() || dtype != DType.BFLOAT16) {
            return Optional.of("fp8 weights need a GPU and bfloat16, not " + device + " and " + dtype);
        }
        if (IntStream.of(config.hidden(), config.intermediate(), config.heads() * config.headDim(),
                config.kvHeads() * config.headDim()).anyMatch(width -> width % WIDTH != 0)) {
            return Optional.of("fp8 products take widths that are multiples of " + WIDTH + ", which those of "
                    + config.family() + " here are not");
        }
        return oldGpu(program, device, "leave out --quantize fp8, and weights are in bfloat16");
    }

    /**
     * Has the program keep keys and values in fp8.
     *
     * @throws ModelException when it cannot be
     */
    static void useForKv(DecoderProgram program, ModelConfig config, Device device, DType dtype, KvScales scales) {
        String otherwise = "leave out --kv-dtype fp8, and keys and values are kept as the model computes";
        if (device.isCpu() || dtype == DType.FLOAT32) {
            throw new ModelException(
                    "fp8 keys and values need a GPU and 16 bits, not " + device + " and " + dtype + ": "
                            + otherwise + ".");
        }
        if (config.headDim() % HEAD != 0) {
            throw new ModelException("fp8 keys and values need heads of a multiple of " + HEAD + ", and those of "
                    + config.family() + " here have " + config.headDim() + ": " + otherwise + ".");
        }
        oldGpu(program, device, otherwise).ifPresent(reason -> {
            throw new ModelException(reason);
        });
        program.useFp8Kv(scales);
    }

    private static Optional<String> oldGpu(DecoderProgram program, Device device, String otherwise) {
        program.useDevice(device);
        int architecture = CudaDriver.architecture();
        return architecture >= FIRST_ARCHITECTURE
                ? Optional.empty()
                : Optional.of(String.format(Locale.ROOT,
                        "fp8 needs a GPU of compute capability 8.9 or later (L4, L40, H100 and newer), and this one has"
                                + " %.1f: %s.",
                        architecture / 10.0, otherwise));
    }
}
