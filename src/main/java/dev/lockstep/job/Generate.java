package dev.lockstep.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.slf4j.LoggerFactory;

import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Timing;
import dev.lockstep.model.Checkpoint;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.Printable;
import dev.lockstep.world.World;

/**
 * The built-in {@code generate}: rank 0 deals the prompts out to the ranks, each of which generates and keeps a journal;
 * from the journals rank 0 writes the results in input order, and it prints how fast it went.
 */
public final class Generate {
    private static final int SOME_ROWS_FAILED = 3;

    private final World world;
    private final GenerateOptions options;
    // when this rank passed the barrier before generation
    private long started;

    private Generate(World world, GenerateOptions options) {
        this.world = world;
        this.options = options;
    }

    /** Options as {@code generate --help} prints them. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            try {
                GenerateOptions options = GenerateOptions.parse(world.args());
                if (options.helpRequested()) {
                    world.print(GenerateOptions.usage().stripTrailing());
                    return;
                }
                boolean failed = new Generate(world, options).run();
                if (failed) {
                    world.exit(SOME_ROWS_FAILED);
                }
            } catch (UsageException | ModelException e) {
                world.abort(2, "generate: " + e.getMessage());
            } catch (IOException e) {
                world.abort(1, "generate: " + e.getMessage());
            }
        }
    }

    /** What only rank 0 has. */
    private record Root(JournalDirectory directory, Prompts prompts, Fingerprint fingerprint) {}

    /**
     * A run as rank 0 begins it.
     *
     * @param directory of the journals
     * @param name      by which a rank finds out whether it sees that directory
     * @param number    of the run
     * @param rows      to do, -1 where nobody knows
     */
    private record Run(String directory, String name, int number, long rows) {}

    /** What a rank has to show for its share. */
    private record Shown(Report.RankReport report, int batchSize, Course.Taken course) {}

    /** Whether some row failed; on other ranks than the root always false. */
    private boolean run() throws IOException {
        if (!world.isRoot()) {
            world.barrier();
            return generate(Checkpoint.open(options.model()), null);
        }
        options.checkTargets();
        checkFp8();
        try (JournalDirectory directory = JournalDirectory.of(options);
                Prompts prompts = Prompts.survey(options.prompts(), System.in, options.inBlocks(),
                        options.numSamples(), new ChatRows(options.model()))) {
            // nobody looks at the model before the input is found good: one sentence is enough
            world.barrier();
            Checkpoint checkpoint = Checkpoint.open(options.model());
            checkpoint.unused().ifPresent(LoggerFactory.getLogger(Generate.class)::info);
            Fingerprint fingerprint = Fingerprint.of(checkpoint, dtype(checkpoint), prompts.digest(), options);
            directory.check(fingerprint);
            if (options.resume() && Files.exists(directory.path())) {
                // the run before may have died of its tokenizer, as this one would again
                ModelCheck.inItsOwnProcess(options.model(), 5 * ModelCheck.SECONDS);
            }
            return generate(checkpoint, new Root(directory, prompts, fingerprint));
        }
    }

    /** Before the input is read; that the model itself fits is seen when it is loaded. */
    private void checkFp8() {
        if (options.acceleration().fp8() && !world.device().equals("cuda")) {
            throw new UsageException("--quantize fp8 is for GPUs, and the ranks compute on CPU: leave it out");
        }
    }

    /** @param root null on other ranks */
    private boolean generate(Checkpoint checkpoint, Root root) throws IOException {
        SamplingOverrides defaults = SamplingOverrides
                .ofCheckpoint(checkpoint.generationDefaults().without(options.ignoredDefaults()));
        DType dtype = dtype(checkpoint);
        // nobody loads weights before all have found the checkpoint good
        world.barrier();
        long begin = System.nanoTime();
        try (Generator generator = Generator.load(checkpoint, torchDevice(world), dtype, options.acceleration())) {
            if (root != null) {
                return lead(generator, defaults, root, begin);
            }
            Run run = world.broadcast(null, Run.class);
            boolean seen = JournalDirectory.isSeen(Path.of(run.directory), run.name);
            world.gather(seen, Boolean.class);
            Journal.Keeper keeper = seen
                    ? JournalDirectory.keeper(Path.of(run.directory), world.rank())
                    : Desk.keeper(world);
            Share share = new Share(world, generator, options, defaults, new Journal(keeper, run.number),
                    Desk.from(world), null);
            Shown shown = work(generator, share, run, begin);
            if (!seen) {
                keeper.append(new byte[0]);
            }
            world.gather(shown, Shown.class);
            return false;
        }
    }

    private boolean lead(Generator generator, SamplingOverrides defaults, Root root, long begin) throws IOException {
        JournalDirectory.Job job = root.directory.begin(root.fingerprint);
        Path directory = root.directory.path();
        JournalIndex past = JournalIndex.read(directory);
        if (past.count() > 0) {
            System.err.println("generate: --resume: " + past.count() + " rows were finished before");
        }
        long rows = root.prompts.results().isEmpty() ? -1 : root.prompts.results().getAsLong() - past.count();
        Run run = world.broadcast(new Run(directory.toString(), job.name(), job.run(), rows), Run.class);
        List<Boolean> seen = world.gather(true, Boolean.class).orElseThrow();
        Dealer dealer = new Dealer(root.prompts, world.size(), options.inBlocks(), options.numSamples(), past);
        Desk desk = new Desk(world, dealer);
        for (int rank = 0; rank < seen.size(); rank++) {
            if (!seen.get(rank)) {
                desk.keepFor(rank, directory);
            }
        }
        Journal journal = new Journal(JournalDirectory.keeper(directory, 0), run.number);
        Share share = new Share(world, generator, options, defaults, journal,
                (free, ahead) -> dealer.deal(0, free, ahead), dealer::notDealtToOthers);
        Shown mine = work(generator, share, run, begin);
        desk.close();
        List<Shown> shown = world.gather(mine, Shown.class).orElseThrow();
        return finish(root.directory, dealer, shown, secondsSince(started), generator, defaults);
    }

    /** Does this rank's share. */
    private Shown work(Generator generator, Share share, Run run, long begin) {
        long rows = run.rows < 0 ? Long.MAX_VALUE : (run.rows + world.size() - 1) / world.size();
        int slots = share.prepare(rows);
        double loadSeconds = secondsSince(begin);
        world.barrier();
        started = System.nanoTime();
        share.generate((int) Math.max(1, Math.min(slots, rows)));
        double seconds = secondsSince(started);
        Timing timing = generator.timing();
        return new Shown(new Report.RankReport(world.rank(), world.host(), torchDevice(world),
                share.prompts(), share.tokens(), seconds, timing.prefillSeconds(), timing.decodeSeconds(),
                timing.steps(), generator.memory().used()), slots,
                share.course().taken(loadSeconds, (started - begin) / 1e9));
    }

    private DType dtype(Checkpoint checkpoint) {
        return options.dtype().map(DType::parse).orElse(checkpoint.config().dtypeOn(torchDevice(world)));
    }

    /** Torch's name of a rank's device; of the GPUs it sees its own alone. */
    static String torchDevice(World world) {
        return world.device().equals("cuda") ? "cuda:0" : "cpu";
    }

    private boolean finish(JournalDirectory directory, Dealer dealer, List<Shown> shown, double seconds,
            Generator generator, SamplingOverrides defaults) throws IOException {
        JournalIndex index = JournalIndex.read(directory.path());
        try (JournalResults results = index.results(dealer.prompts(), dealer.results())) {
            ResultFile.write(results, options.output(), System.out);
        }
        Tally tally = index.tally();
        Summary summary = new Summary(shown.stream().mapToLong(each -> each.report.tokens()).sum(), dealer.prompts(),
                seconds);
        if (options.report().isPresent()) {
            double load = shown.stream().mapToDouble(each -> each.course.loadSeconds()).max().orElse(0);
            int batchSize = shown.stream().mapToInt(Shown::batchSize).max().orElse(0);
            Report report = Report.of(summary, tally, batchSize, generator.dtype().toString(), world.device(),
                    options.model().toString(), load, shown.stream().map(Shown::report).toList());
            String file = options.report().get();
            if (file.toLowerCase(Locale.ROOT).endsWith(".html")) {
                new ReportPage(report, shown.stream().map(Shown::course).toList(), tally,
                        ReportPage.settings(report, options, defaults)).write(file);
            } else {
                report.write(file);
            }
        }
        directory.remove();
        Optional<String> failures = tally.failures().sentence(tally.results());
        failures.ifPresent(sentence -> System.err.println("generate: " + Printable.escaped(sentence)));
        System.out.println(summary.line());
        return failures.isPresent();
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
