package dev.lockstep.bench;

import java.nio.file.Path;

import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.family.Families;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.Rope;

/** The shapes that benches measure; weights are random, so no checkpoint is needed. */
final class BenchModel {
    private BenchModel() {}

    /**
     * @param name {@code llama-3-8b}, {@code llama-3-70b}, {@code kjv-6m}, a directory with a config.json, or a model's name on the hub
     */
    static ModelConfig of(String name) {
        return switch (name) {
            case "llama-3-8b" -> llama3(32, 4096, 32, 14336);
            case "llama-3-70b" -> llama3(80, 8192, 64, 28672);
            case "kjv-6m" -> Families.read(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m"));
            default -> Families.read(new Hub(System.getenv(), Watch.log()).settings(name));
        };
    }

    private static ModelConfig llama3(int layers, int hidden, int heads, int intermediate) {
        return new ModelConfig("llama", hidden, heads, 8, 128, intermediate, 128256, 8192, false, false, false, false,
                false, Norms.before(1e-5), Attention.alike(layers, 128, 0, new Rope(500000, 128)), 1, 0,
                Activation.SILU, DType.BFLOAT16);
    }

    /** Bytes of weights that a decode step reads: all but the embedding, of which it reads a row per token. */
    static long weightBytes(ModelConfig config, DType dtype, Acceleration.Weights weights) {
        long attention = (long) config.hidden() * config.headDim() * (2L * config.heads() + 2L * config.kvHeads());
        long mlp = 3L * config.hidden() * config.intermediate();
        double each = switch (weights) {
            case FP8 -> 1;
            // and 4 bytes for 128 of them
            case INT4 -> 0.5 + 1 / 32.0;
            default -> dtype.bytes();
        };
        return (long) (config.layers() * (attention + mlp) * each)
                + (long) config.vocabulary() * config.hidden() * dtype.bytes();
    }
}
