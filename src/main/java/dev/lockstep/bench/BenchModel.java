package dev.lockstep.bench;

import java.nio.file.Path;
import java.util.Set;
import java.util.stream.IntStream;

import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.family.Families;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Routing;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.Rope;

/** The shapes that benches measure; weights are random, so no checkpoint is needed. */
final class BenchModel {
    private BenchModel() {}

    /**
     * @param name {@code llama-3-8b}, {@code llama-3-70b}, {@code qwen3-30b-a3b}, {@code gpt-oss-20b},
     *             {@code gpt-oss-120b}, {@code kjv-6m}, a directory with a config.json, or a model's name on the hub
     */
    static ModelConfig of(String name) {
        return switch (name) {
            case "llama-3-8b" -> llama3(32, 4096, 32, 14336);
            case "llama-3-70b" -> llama3(80, 8192, 64, 28672);
            case "qwen3-30b-a3b" -> qwen3Moe(48, 2048, 32, 4, 128, 8, 768);
            case "gpt-oss-20b" -> gptOss(24, 32);
            case "gpt-oss-120b" -> gptOss(36, 128);
            case "kjv-6m" -> Families.read(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m"));
            default -> Families.read(new Hub(System.getenv(), Watch.log()).settings(name));
        };
    }

    private static ModelConfig llama3(int layers, int hidden, int heads, int intermediate) {
        return new ModelConfig("llama", hidden, heads, 8, 128, intermediate, 128256, 8192, false, false, false, false,
                false, Norms.before(1e-5), Attention.alike(layers, 128, 0, new Rope(500000, 128)), 1, 0,
                Activation.SILU, DType.BFLOAT16);
    }

    private static ModelConfig qwen3Moe(int layers, int hidden, int heads, int kvHeads, int experts, int perToken,
            int width) {
        return new ModelConfig("qwen3_moe", hidden, heads, kvHeads, 128, 6144, 151936, 40960, false, false, false,
                false,
                Stored.plain(false), Norms.before(1e-6).with(QkNorm.EACH_HEAD),
                Attention.alike(layers, 128, 0, new Rope(1e6, 128)), 1, 0, Activation.SILU, DType.BFLOAT16,
                new Experts(experts, width, Routing.softmax(perToken, true), 0, false, false, false, false, false,
                        false, Set.of()),
                Ends.NONE);
    }

    private static ModelConfig gptOss(int layers, int experts) {
        Rope rope = new Rope(150000, 64);
        return new ModelConfig("gpt_oss", 2880, 64, 8, 64, 2880, 201088, 131072, false, true, true, false,
                Stored.plain(false), Norms.before(1e-5),
                new Attention(1 / 8.0, 0, IntStream.range(0, layers)
                        .mapToObj(layer -> new Layer(layer % 2 == 0 ? 128 : 0, rope)).toList(), true),
                1, 0, Activation.CLAMPED, DType.BFLOAT16, new Experts(experts, 2880, Routing.softmax(4, true), 0, false,
                        true, true, true, true, false, Set.of()),
                Ends.NONE);
    }

    /**
     * Bytes of weights that a decode step reads: all but the embedding, of which it reads a row per token. Of a mixture's
     * experts those that the rows go through if each goes its own way.
     */
    static long weightBytes(ModelConfig config, DType dtype, Acceleration.Weights weights, double rows) {
        long attention = (long) config.hidden() * config.headDim() * (2L * config.heads() + 2L * config.kvHeads());
        long mlp = (config.activation().isAlone() ? 2L : 3L) * config.hidden() * config.intermediate();
        Experts experts = config.experts();
        if (experts != null) {
            double missed = Math.pow(1 - (double) experts.routing().perToken() / experts.count(), rows);
            double hit = experts.count() * (1 - missed);
            double wide = config.hidden() * (3.0 * experts.shared() + experts.count()) * dtype.bytes();
            double mixture = config.hidden() * 3.0 * hit * experts.intermediate()
                    * expertBytes(experts, dtype, weights);
            int plain = experts.plainLayers().size();
            return weightBytes(config.layers() * attention + plain * mlp, config, dtype, weights)
                    + (long) ((config.layers() - plain) * (wide + mixture));
        }
        return weightBytes(config.layers() * (attention + mlp), config, dtype, weights);
    }

    /** Of an expert's weight: random ones are as the family's are stored. */
    private static double expertBytes(Experts experts, DType dtype, Acceleration.Weights weights) {
        if (dtype == DType.BFLOAT16 && experts.byTurns() && weights != Acceleration.Weights.WIDE) {
            return 0.5 + 1 / 32.0;
        }
        return weights == Acceleration.Weights.FP8 ? 1 : dtype.bytes();
    }

    /** @param values of the layers' weights */
    private static long weightBytes(long values, ModelConfig config, DType dtype, Acceleration.Weights weights) {
        double each = switch (weights) {
            case FP8 -> 1;
            // and 4 bytes for 128 of them
            case INT4 -> 0.5 + 1 / 32.0;
            default -> dtype.bytes();
        };
        return (long) (values * each)
                + (long) config.vocabulary() * config.hidden() * dtype.bytes();
    }
}
