package dev.lockstep.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import dev.lockstep.cli.AccelerationOptions;
import dev.lockstep.cli.DraftingOptions;
import dev.lockstep.generate.CacheUse;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Drafted;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.Timing;
import dev.lockstep.host.UsageException;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceRates;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.world.Block;
import dev.lockstep.world.World;

/** {@code bench generate}: tokens/sec of a {@link Workload}, from the barrier to the gathered results. */
@Command(name = "generate", description = "Tokens/sec of rows of given lengths, from the barrier to the gathered results.")
final class BenchGenerate implements Measurement {
    private static final String AUTO = "auto";

    @Mixin
    private BenchOptions options;
    @Option(names = "--workload", defaultValue = "seed", paramLabel = "NAME", description = "seed: 100 prompts of 11 to 28 tokens; mixed: lengths as in chats; prefix: 1,000 rows that begin with the same 1,000 tokens; documents: one row of 8,000 tokens among 500 short ones; IN/OUT, such as 128/128: equal rows (${DEFAULT-VALUE}).")
    private String workload;
    @Option(names = "--prompts", defaultValue = "0", paramLabel = "N", description = "Rows (the workload's number).")
    private int prompts;
    @Option(names = "--batch-sizes", split = ",", defaultValue = "1,16,100", description = "Numbers, or auto (${DEFAULT-VALUE}).")
    private List<String> batchSizes;
    @Mixin
    private DraftingOptions drafting;
    @Option(names = "--repeat", defaultValue = "3", description = "Runs of each; the best is shown with the worst beside it (${DEFAULT-VALUE}).")
    private int repeat;

    /**
     * One batch size: seconds of the fastest and slowest run, and tokens per second of the fastest; means of rank 0 over all
     * runs.
     *
     * @param held         tokens that sequences had room for over those they had; 0 where the cache has no pages
     * @param drafted      what was drafted in all runs
     * @param floorSeconds what rank 0's rows take at least at the rates that the device reaches
     */
    record Line(int batchSize, long tokens, double bestSeconds, double worstSeconds, double prepareSeconds,
            double tokensPerSecond, long promptTokens, long sharedTokens, long interruptions, double prefillSeconds,
            double decodeSeconds, long steps, double held, Drafted drafted,
            double floorSeconds) {}

    @Override
    public void check() {
        for (String size : batchSizes) {
            if (!size.equals(AUTO) && !size.matches("[1-9]\\d{0,8}")) {
                throw new UsageException("--batch-sizes must be whole numbers of 1 or more, or auto, not " + size);
            }
        }
        if (prompts < 0) {
            throw new UsageException("--prompts must be 1 or more, not " + prompts);
        }
        drafting.speculates(); // says what is wrong with it
        options.check(List.of());
        workload();
    }

    private Workload workload() {
        return Workload.of(workload, prompts, options.newTokens());
    }

    @Override
    public void run(World world) throws IOException {
        ModelConfig shapes = options.shapes();
        Device device = Device.ofRank(world.device());
        DType type = options.dtype(shapes, device);
        List<Line> lines = new ArrayList<>();
        Workload work = workload();
        DeviceRates rates = DeviceRates.measure(device, ScalarType.valueOf(type.name()));
        Team team = options.team(world, shapes, device);
        try (Generator generator = Generator.random(shapes, device, type, options.acceleration(), team)) {
            if (drafting.speculates()) {
                generator.speculate();
            }
            for (String batchSize : batchSizes) {
                lines.add(measure(world, team, generator, work, batchSize, shapes, rates));
            }
        }
        if (world.isRoot()) {
            System.out.printf(Locale.ROOT,
                    "%s %s on %s, %d ranks%s, %s, %s, %d prompts; copies %.0f GB/s, products %.1f TFLOP/s%n",
                    options.config(), type, device, world.size(), options.together(),
                    AccelerationOptions.name(options.acceleration()), work.name(), work.rows(),
                    rates.bytesPerSecond() / 1e9, rates.operationsPerSecond() / 1e12);
            System.out.println(
                    "  batch   tokens/sec   seconds   worst   floor   ready in   prefill   decode   steps   held"
                            + "   prompt tokens: computed   shared");
            for (Line line : lines) {
                System.out.printf(Locale.ROOT, "%7d %12.0f %9.3f %7.3f %7.3f %10.1f %9.3f %8.3f %7d %6.2f %25d %8d%s%n",
                        line.batchSize(), line.tokensPerSecond(), line.bestSeconds(), line.worstSeconds(),
                        line.floorSeconds(), line.prepareSeconds(), line.prefillSeconds(), line.decodeSeconds(),
                        line.steps(), line.held(),
                        line.promptTokens(), line.sharedTokens(),
                        (line.interruptions() == 0 ? "" : "   " + line.interruptions() + " interrupted")
                                + (line.drafted().tokens() == 0
                                        ? ""
                                        : "   " + line.drafted().right() + " of " + line.drafted().tokens()
                                                + " drafted right"));
            }
            options.report(lines);
        }
    }

    private Line measure(World world, Team team, Generator generator, Workload work, String size, ModelConfig shapes,
            DeviceRates rates) {
        int vocabulary = shapes.vocabulary();
        List<Request> first = share(team, work.requests(0, vocabulary));
        int batchSize = size.equals(AUTO)
                ? generator.autoBatchSize(first, first.size())
                : Integer.parseInt(size);
        long begin = System.nanoTime();
        generator.prepare(first, batchSize);
        double prepared = (System.nanoTime() - begin) / 1e9;
        double best = Double.MAX_VALUE;
        double worst = 0;
        long tokens = 0;
        CacheUse before = generator.cacheUse();
        Timing timedBefore = generator.timing();
        Drafted draftedBefore = generator.drafted();
        for (int i = 0; i < repeat; i++) {
            List<Request> mine = share(team, work.requests(1 + i, vocabulary));
            world.barrier();
            long start = System.nanoTime();
            List<Completion> completions = generator.generate(mine, batchSize);
            List<Completion> all = world.gatherAll(team.leads() ? completions : List.of(), Completion.class)
                    .orElse(List.of());
            double seconds = (System.nanoTime() - start) / 1e9;
            best = Math.min(best, seconds);
            worst = Math.max(worst, seconds);
            for (Completion completion : all) {
                if (completion.error() != null) {
                    throw new UsageException("the workload " + work.name() + " is not for this model: "
                            + completion.error());
                }
            }
            tokens = all.stream().mapToLong(completion -> completion.tokenIds().length).sum();
        }
        CacheUse after = generator.cacheUse();
        Timing timed = generator.timing();
        Drafted drafted = generator.drafted();
        long alive = after.aliveTokens() - before.aliveTokens();
        // of a team each rank does its part of the work
        double floor = Floor.of(shapes, generator.dtype(), options.acceleration(), first, work.common(), batchSize)
                .seconds(rates) / team.size();
        return new Line(batchSize, tokens, best, worst, prepared, tokens / best,
                (after.computedTokens() - before.computedTokens()) / repeat,
                (after.sharedTokens() - before.sharedTokens()) / repeat,
                (after.interruptions() - before.interruptions()) / repeat,
                (timed.prefillSeconds() - timedBefore.prefillSeconds()) / repeat,
                (timed.decodeSeconds() - timedBefore.decodeSeconds()) / repeat,
                (timed.steps() - timedBefore.steps()) / repeat,
                alive == 0 ? 0 : (double) (after.heldTokens() - before.heldTokens()) / alive,
                new Drafted(drafted.tokens() - draftedBefore.tokens(), drafted.right() - draftedBefore.right()),
                floor);
    }

    private static List<Request> share(Team team, List<Request> all) {
        Block block = Block.of(all.size(), team.number(), team.count());
        return all.subList(block.start(), block.end());
    }
}
