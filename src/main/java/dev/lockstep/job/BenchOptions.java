package dev.lockstep.job;

import java.io.IOException;

import picocli.CommandLine.Option;

import dev.lockstep.model.Acceleration;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;

/** What the benches of a model have in common on their command lines. */
final class BenchOptions {
    @Option(names = "--config", defaultValue = "llama-3-8b", paramLabel = "NAME|DIR", description = "llama-3-8b, llama-3-70b, kjv-6m or a directory with config.json (${DEFAULT-VALUE}).")
    private String config;
    @Option(names = "--max-new-tokens", defaultValue = "100", paramLabel = "N", description = "New tokens of each row (${DEFAULT-VALUE}).")
    private int newTokens;
    @Option(names = "--dtype", defaultValue = "auto", description = "auto: the configuration's on CUDA, float32 on CPU.")
    private String dtype;
    @Option(names = "--graph", defaultValue = "on", description = "on or off: replay steps as CUDA graphs (${DEFAULT-VALUE}).")
    private String graph;
    @Option(names = "--kernels", defaultValue = "on", description = "on or off: compute steps with kernels of our own (${DEFAULT-VALUE}).")
    private String kernels;
    @Option(names = "--quantize", defaultValue = "none", paramLabel = "none|fp8", description = "Type of the weights on a GPU (${DEFAULT-VALUE}).")
    private String quantize;
    @Option(names = "--report", paramLabel = "F.json", description = "Write the figures for programs.")
    private String report;

    /** As the user named it. */
    String config() {
        return config;
    }

    ModelConfig shapes() {
        return BenchModel.of(config);
    }

    int newTokens() {
        return newTokens;
    }

    /**
     * The type to compute in.
     *
     * @throws UsageException when there is no such type
     */
    DType dtype(ModelConfig shapes, String device) {
        if (dtype.equals("auto")) {
            return shapes.dtypeOn(device);
        }
        try {
            return DType.parse(dtype);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--dtype: " + e.getMessage(), e);
        }
    }

    /**
     * What steps may use on a GPU.
     *
     * @throws UsageException when an option says something else
     */
    Acceleration acceleration() {
        return new Acceleration(on("--graph", graph), on("--kernels", kernels), isFp8(quantize));
    }

    /** What {@link #acceleration} is, for a table's head. */
    String accelerationName() {
        return "graphs " + graph + ", kernels " + kernels + ", quantize " + quantize;
    }

    /**
     * What {@code --quantize} says.
     *
     * @throws UsageException when it is neither none nor fp8
     */
    static boolean isFp8(String quantize) {
        return switch (quantize) {
            case "none" -> false;
            case "fp8" -> true;
            default -> throw new UsageException("--quantize must be none or fp8, not " + quantize);
        };
    }

    private static boolean on(String option, String value) {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new UsageException(option + " must be on or off, not " + value);
        };
    }

    /** Writes the figures where the user wants them; nothing if nowhere. */
    void report(Object figures) throws IOException {
        if (report != null) {
            Bench.write(report, figures);
        }
    }
}
