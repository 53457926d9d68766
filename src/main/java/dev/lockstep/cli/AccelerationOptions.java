package dev.lockstep.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.host.UsageException;

/** What the jobs with a model let the user say about the ways to be faster on a GPU. */
public final class AccelerationOptions {
    @Option(names = "--graph", paramLabel = "on|off", description = "On a GPU, replay steps as CUDA graphs (on).")
    private String graph = "on";
    @Option(names = "--kernels", paramLabel = "on|off", description = "On a GPU, compute steps with Lockstep's CUDA kernels (on).")
    private String kernels = "on";
    @Option(names = "--quantize", paramLabel = "none|fp8|int4", description = "On a GPU, in bfloat16: weights in 8 bits with a scale for each row, faster and not quite the same text; int4, in 16 bits: as a checkpoint has them in 4 bits (awq, gptq, w4a16), in a quarter of the memory, with which steps of few rows are faster and those of many slower; none: in the type of computation, whatever the checkpoint has (as the checkpoint has them in 8 bits; in 4 bits where the GPU would hardly hold more).")
    private @Nullable String quantize;
    @Option(names = "--kv-dtype", paramLabel = "auto|fp8", description = "On a GPU, in 16 bits: fp8 keeps keys and values in 8 bits, which gives twice the room for rows and not quite the same text (auto: as the model computes).")
    private String kvDtype = "auto";
    @Option(names = "--same-text", paramLabel = "on|off", description = "On a GPU, in 16 bits: a row's text and log-probabilities are the same to the bit whatever rows are beside it, with any batch size and number of ranks, and after whatever interruption; off is faster where many rows begin alike (on where Lockstep's kernels compute: not with weights in 4 bits, Gemma 2 or mixtures of experts; in float32 texts are the same anyway).")
    private @Nullable String sameText;

    /**
     * What steps may use on a GPU.
     *
     * @throws UsageException when an option says something else
     */
    public Acceleration acceleration() {
        return new Acceleration(isOn("--graph", graph), isOn("--kernels", kernels), weights(), isFp8Kv(),
                sameText == null
                        ? SameText.WHERE_POSSIBLE
                        : isOn("--same-text", sameText) ? SameText.ON : SameText.OFF);
    }

    private boolean isFp8Kv() {
        return switch (kvDtype) {
            case "auto" -> false;
            case "fp8" -> true;
            default -> throw new UsageException("--kv-dtype must be auto or fp8, not " + kvDtype);
        };
    }

    private Weights weights() {
        if (quantize == null) {
            return Weights.AS_STORED;
        }
        return switch (quantize) {
            case "none" -> Weights.WIDE;
            case "fp8" -> Weights.FP8;
            case "int4" -> Weights.INT4;
            default -> throw new UsageException("--quantize must be none, fp8 or int4, not " + quantize
                    + "; a checkpoint that is quantized already needs none of them");
        };
    }

    /**
     * What a switch says.
     *
     * @throws UsageException when that is neither on nor off
     */
    private static boolean isOn(String option, String value) {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new UsageException(option + " must be on or off, not " + value);
        };
    }

    /** For a table's head. */
    public static String name(Acceleration acceleration) {
        return "graphs " + (acceleration.graphs() ? "on" : "off") + ", kernels "
                + (acceleration.kernels() ? "on" : "off")
                + (acceleration.weights() == Weights.FP8 ? ", fp8 weights" : "")
                + (acceleration.weights() == Weights.INT4 ? ", int4 weights" : "")
                + (acceleration.fp8Kv() ? ", fp8 keys and values" : "")
                + (acceleration.sameText() == SameText.OFF ? ", same text off" : "");
    }
}
