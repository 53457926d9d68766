package dev.lockstep.bench;

import java.io.IOException;
import java.util.List;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import dev.lockstep.cli.AccelerationOptions;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.generate.Generator;
import dev.lockstep.host.UsageException;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.world.World;

/** What the benches of a model have in common on their command lines. */
final class BenchOptions {
    @Option(names = "--config", defaultValue = "llama-3-8b", paramLabel = "NAME|DIR", description = "llama-3-8b, llama-3-70b, qwen3-30b-a3b, gpt-oss-20b, gpt-oss-120b, kjv-6m, a directory with config.json, or org/name[@revision] on the Hugging Face hub (${DEFAULT-VALUE}).")
    private String config;
    @Option(names = "--max-new-tokens", defaultValue = "100", paramLabel = "N", description = "New tokens of each row (${DEFAULT-VALUE}).")
    private int newTokens;
    @Option(names = "--dtype", defaultValue = "auto", description = "auto: the configuration's on CUDA, float32 on CPU.")
    private String dtype;
    @Option(names = "--tensor-parallel", defaultValue = "1", paramLabel = "T", description = "So many neighbouring ranks compute the model together; -np is a multiple of it (${DEFAULT-VALUE}).")
    private int tensorParallel;
    @Mixin
    private AccelerationOptions acceleration;
    @Option(names = "--report", paramLabel = "F.json", description = "Write the figures for programs.")
    private @Nullable String report;

    /** As the user named it. */
    String config() {
        return config;
    }

    /**
     * Finds out whether the values are possible ones, without a look at any file.
     *
     * @throws UsageException in one sentence, when one is not
     */
    void check(List<Integer> batchSizes) {
        for (int size : batchSizes) {
            if (size < 1) {
                throw new UsageException("--batch-sizes must be whole numbers of 1 or more, not " + size);
            }
        }
        if (newTokens < 1) {
            throw new UsageException("--max-new-tokens must be 1 or more, not " + newTokens);
        }
        if (!dtype.equals("auto")) {
            parsed();
        }
        acceleration();
        Team.check(tensorParallel);
    }

    /**
     * The ranks that compute a model with this one, if it can be divided among them. A collective.
     *
     * @throws UsageException                         when there is another number of ranks
     * @throws dev.lockstep.model.ModelException when the model cannot be divided
     */
    Team team(World world, ModelConfig shapes, Device device) {
        Team.check(world.size(), tensorParallel);
        Shard.check(shapes, tensorParallel);
        return Team.of(world, tensorParallel, device);
    }

    /** For a table's head: nothing of ranks that each have the whole model. */
    String together() {
        return tensorParallel == 1 ? "" : ", " + tensorParallel + " ranks together";
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
    DType dtype(ModelConfig shapes, Device device) {
        if (dtype.equals("auto")) {
            return Generator.defaultDtype(shapes, device);
        }
        return parsed();
    }

    private DType parsed() {
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
        return acceleration.acceleration();
    }

    /** Writes the figures where the user wants them; nothing if nowhere. */
    void report(Object figures) throws IOException {
        if (report != null) {
            BenchJob.write(report, figures);
        }
    }
}
