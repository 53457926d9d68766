package dev.lockstep.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.cli.AccelerationOptions;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.torch.Device;
import dev.lockstep.world.World;

/**
 * {@code bench generate}: prompts of 11 to 28 random tokens and as many new tokens each as asked for, from the barrier to
 * the gathered results.
 */
@Command(name = "generate", description = "Tokens/sec for 100 short prompts, from the barrier to the gathered results.")
final class BenchGenerate implements Measurement {
    private static final int[] LENGTHS = {12, 20, 15, 15, 28, 20, 15, 27, 11, 24};

    @Mixin
    private BenchOptions options;
    @Option(names = "--prompts", defaultValue = "100", paramLabel = "N", description = "(${DEFAULT-VALUE})")
    private int prompts;
    @Option(names = "--batch-sizes", split = ",", defaultValue = "1,16,100", description = "(${DEFAULT-VALUE})")
    private List<Integer> batchSizes;
    @Option(names = "--repeat", defaultValue = "3", description = "Runs of each; the best is shown with the worst beside it (${DEFAULT-VALUE}).")
    private int repeat;

    /** One batch size: seconds of the fastest and slowest run, and tokens per second of the fastest. */
    record Line(int batchSize, long tokens, double bestSeconds, double worstSeconds, double prepareSeconds,
            double tokensPerSecond) {}

    @Override
    public void check() {
        options.check(batchSizes);
    }

    @Override
    public void run(World world) throws IOException {
        ModelConfig shapes = options.shapes();
        Device device = Device.ofRank(world.device());
        DType type = options.dtype(shapes, device);
        List<Line> lines = new ArrayList<>();
        List<Request> mine = world.split(requests(shapes));
        try (Generator generator = Generator.random(shapes, device, type, options.acceleration())) {
            for (int batchSize : batchSizes) {
                lines.add(measure(world, generator, mine, batchSize));
            }
        }
        if (world.isRoot()) {
            System.out.printf(Locale.ROOT, "%s %s on %s, %d ranks, %s, %d prompts, %d new tokens%n",
                    options.config(), type, device, world.size(),
                    AccelerationOptions.name(options.acceleration()), prompts, options.newTokens());
            System.out.println("  batch   tokens/sec   seconds   worst   ready in");
            for (Line line : lines) {
                System.out.printf(Locale.ROOT, "%7d %12.0f %9.3f %7.3f %10.1f%n", line.batchSize(),
                        line.tokensPerSecond(), line.bestSeconds(), line.worstSeconds(), line.prepareSeconds());
            }
            options.report(lines);
        }
    }

    private List<Request> requests(ModelConfig shapes) {
        SplittableRandom random = new SplittableRandom(0);
        SamplingParams params = SamplingParams.greedy(options.newTokens(), List.of());
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < prompts; i++) {
            int[] ids = random.ints(LENGTHS[i % LENGTHS.length], 0, shapes.vocabulary()).toArray();
            requests.add(new Request(i, 0, ids, params));
        }
        return requests;
    }

    private Line measure(World world, Generator generator, List<Request> mine, int batchSize) {
        long begin = System.nanoTime();
        generator.prepare(mine, batchSize);
        double prepared = (System.nanoTime() - begin) / 1e9;
        double best = Double.MAX_VALUE;
        double worst = 0;
        long tokens = 0;
        for (int i = 0; i < repeat; i++) {
            world.barrier();
            long start = System.nanoTime();
            List<Completion> completions = generator.generate(mine, batchSize);
            List<Completion> all = world.gatherAll(completions, Completion.class).orElse(List.of());
            double seconds = (System.nanoTime() - start) / 1e9;
            best = Math.min(best, seconds);
            worst = Math.max(worst, seconds);
            tokens = all.stream().mapToLong(completion -> completion.tokenIds().length).sum();
        }
        return new Line(batchSize, tokens, best, worst, prepared, tokens / best);
    }
}
