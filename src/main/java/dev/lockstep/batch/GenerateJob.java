package dev.lockstep.batch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.shard.ReplicaException;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.generate.CacheUse;
import dev.lockstep.generate.Embedding;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Timing;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.journal.Fingerprint;
import dev.lockstep.journal.Journal;
import dev.lockstep.journal.JournalDirectory;
import dev.lockstep.journal.JournalFile;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.journal.JournalResults;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.prompts.ChatPrompts;
import dev.lockstep.prompts.EmbeddedRows;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.prompts.SamplingFields;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.prompts.ScoredRows;
import dev.lockstep.replica.Team;
import dev.lockstep.report.RankTrace;
import dev.lockstep.report.Report;
import dev.lockstep.report.ReportPage;
import dev.lockstep.report.Summary;
import dev.lockstep.results.ResultFile;
import dev.lockstep.results.Tally;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.OutOfDeviceMemoryException;
import dev.lockstep.world.World;

/**
 * The built-in {@code generate}: rank 0 deals the prompts out to the ranks, each of which generates and keeps a journal;
 * from the journals rank 0 writes the results in input order, and it prints how fast it went.
 */
public final class GenerateJob {
    // of this process, whose only job this is; null before there is one
    private static @Nullable Journal journal;

    private final World world;
    private final GenerateOptions options;
    private final Device device;
    private final Watch watch;
    private final StartTimes start;
    // when this rank passed the barrier before generation
    private long started;

    private GenerateJob(World world, GenerateOptions options, StartTimes start) {
        this.start = start;
        this.world = world;
        this.options = options;
        this.device = Device.ofRank(world.device());
        this.watch = new WorldWatch(world, options.job());
    }

    /** Options as {@code generate --help} prints them. */
    public static void main(String[] args) {
        run(GenerateOptions.GENERATE, args);
    }

    /** The job of this name. */
    static void run(String job, String[] args) {
        StartTimes start = new StartTimes(System.currentTimeMillis());
        if (World.deviceToBe().equals(Optional.of("cuda"))) {
            Generator.preload(Device.ofRank("cuda"));
        }
        try (World world = World.init(args)) {
            try {
                GenerateOptions options = GenerateOptions.ofJob(job, world.args());
                if (options.helpRequested()) {
                    world.print(options.usage().stripTrailing());
                    return;
                }
                boolean failed = new GenerateJob(world, options, start).run();
                if (failed) {
                    world.exit(ExitCode.SOME_ROWS_FAILED.code());
                }
            } catch (UsageException | ModelException | LibraryException e) {
                abort(world, job, ExitCode.USAGE, e.getMessage());
            } catch (OutOfDeviceMemoryException e) {
                abort(world, job, ExitCode.FAILED,
                        "the memory of " + world.device()
                                + " cannot hold what each rank has of the model: take a smaller one, fewer ranks where they share the memory, a smaller --batch-size, or divide it among ranks with --tensor-parallel");
            } catch (ReplicaException e) {
                abort(world, job, ExitCode.FAILED, e.getMessage());
            } catch (IOException | UncheckedIOException e) {
                abort(world, job, ExitCode.FAILED, e instanceof FileSystemException file
                        ? file.getFile() + " cannot be used: " + IoReason.of(e)
                        : IoReason.of(e));
            }
        }
    }

    /** Ends the job for a reason that is no sample's, so that none becomes a suspect. */
    private static void abort(World world, String job, ExitCode code, @Nullable String sentence) {
        if (journal != null) {
            journal.stopAnyway();
        }
        world.abort(code.code(), job + ": " + sentence);
    }

    /** What only rank 0 has. */
    private record Root(JournalDirectory directory, PromptFile prompts, Checkpoint checkpoint,
            Fingerprint fingerprint) {}

    /**
     * A run as rank 0 begins it.
     *
     * @param directory of the journals
     * @param name      by which a rank finds out whether it sees that directory
     * @param job       what the job is called in the journals
     * @param number    of the run
     * @param rows      to do, -1 where nobody knows
     */
    private record Run(String directory, String name, String job, int number, long rows) {}

    /** What a rank has to show for its share. */
    private record Shown(Report.RankReport report, int batchSize, RankTrace.Snapshot trace) {}

    /** Whether some sample failed; on other ranks than the root always false. */
    private boolean run() throws IOException {
        Team.check(world.size(), options.tensorParallel());
        if (!world.isRoot()) {
            world.barrier();
            return generate(open(), null);
        }
        options.checkTargets();
        checkRestart();
        checkFp8();
        // a name that is wrong, or a hub that cannot be reached, shows before the input is read
        Path settings = new Hub(System.getenv(), watch).settings(options.model());
        try (JournalDirectory directory = JournalDirectory.of(options.output(), options.resume(),
                world.restarts() > 0 ? world.job() : "");
                PromptFile prompts = PromptFile.survey(options.prompts(), System.in, options.inBlocks(),
                        options.numSamples(),
                        new ChatPrompts(settings).andThen(
                                options.embed().isPresent() ? new EmbeddedRows() : new ScoredRows(options.score())))) {
            // nobody looks at the model before the input is found good: one sentence is enough
            world.barrier();
            Checkpoint checkpoint = open();
            checkpoint.unused().ifPresent(LoggerFactory.getLogger(GenerateJob.class)::info);
            Fingerprint fingerprint = Fingerprint.of(checkpoint,
                    JobSettings.computing(options, dtype(checkpoint), checkpoint),
                    prompts.digest(),
                    JobSettings.sampling(options));
            directory.check(fingerprint);
            if (directory.resumes() && Files.exists(directory.path())) {
                // the run before may have died of its tokenizer, as this one would again
                ModelCheck.inItsOwnProcess(checkpoint.directory(), 5 * ModelCheck.SECONDS);
            }
            return generate(checkpoint, new Root(directory, prompts, checkpoint, fingerprint));
        }
    }

    /** One rank of each host downloads what is not there yet. */
    private Checkpoint open() {
        return world.localRootFirst(() -> {
            // first what is small, and may be wrong
            List<Adapter> adapters = options.adapters().stream().map(adapter -> Adapter.open(adapter, watch)).toList();
            Checkpoint checkpoint = options.embed().isPresent()
                    ? Checkpoint.openForEmbeddings(options.model(), watch)
                    : Checkpoint.open(options.model(), watch);
            for (Adapter adapter : adapters) {
                checkpoint = adapter.onto(checkpoint);
            }
            return checkpoint;
        });
    }

    private void checkRestart() {
        if (world.restarts() > 0 && options.prompts().equals("-")) {
            throw new UsageException("--prompts -: ranks that are started again cannot read stdin again: give the same "
                    + "prompts once more, with --resume, or as a file");
        }
    }

    private String resumed() {
        return world.restarts() > 0 ? "after restart " + world.restarts() + ": " : "--resume: ";
    }

    /** Before the input is read; that the model itself fits is seen when it is loaded. */
    private void checkFp8() {
        Acceleration.Weights weights = options.acceleration().weights();
        if ((weights == Acceleration.Weights.FP8 || weights == Acceleration.Weights.INT4)
                && !world.device().equals("cuda")) {
            throw new UsageException("--quantize " + weights.name().toLowerCase(Locale.ROOT)
                    + " is for GPUs, and the ranks compute on CPU: leave it out");
        }
        if (options.acceleration().fp8Kv() && !world.device().equals("cuda")) {
            throw new UsageException("--kv-dtype fp8 is for GPUs, and the ranks compute on CPU: leave it out");
        }
    }

    /** @param root null on other ranks */
    private boolean generate(Checkpoint checkpoint, @Nullable Root root) throws IOException {
        SamplingOverrides defaults = SamplingFields
                .ofCheckpoint(checkpoint.generationDefaults().without(options.ignoredDefaults()));
        Embedding embedding = options.embed()
                .map(pooling -> CheckpointEmbedding.of(checkpoint.directory(), pooling, options.normalize(),
                        options.dimensions()))
                .orElse(null);
        DType dtype = dtype(checkpoint);
        Shard.check(checkpoint.config(), options.tensorParallel());
        // nobody loads weights before all have found the checkpoint good
        world.barrier();
        if (world.isRoot()) {
            world.status(options.job() + ": loading " + options.model()
                    + (options.adapters().isEmpty() ? "" : " with " + String.join(" and ", options.adapters())) + " on "
                    + world.size()
                    + (world.size() == 1 ? " rank (" : " ranks (") + world.device() + ")");
        }
        long begin = System.nanoTime();
        Team team = Team.of(world, options.tensorParallel(), device);
        try (Generator generator = Generator.load(checkpoint, device, dtype, options.acceleration(), team,
                new LoadProgress(world, options.job(), checkpoint, options.model()))) {
            if (root != null) {
                return lead(generator, defaults, embedding, root, team, begin);
            }
            Run run = world.broadcast(null, Run.class);
            boolean seen = JournalDirectory.isSeen(Path.of(run.directory), run.name);
            world.gather(seen, Boolean.class);
            Journal.Keeper keeper = seen
                    ? new JournalFile(Path.of(run.directory), world.rank())
                    : WorkServer.keeper(world);
            // others of a team come to what its first rank keeps
            journal = journal(keeper, run, team.leads());
            RankWorker worker = new RankWorker(world, team, generator, options, defaults, embedding, journal,
                    WorkServer.from(world), null);
            Shown shown = work(generator, worker, team, run, begin);
            if (!seen) {
                keeper.append(new byte[0]);
            }
            world.gather(shown, Shown.class);
            return false;
        }
    }

    private static Journal journal(Journal.Keeper keeper, Run run, boolean keepsResults) {
        Journal journal = new Journal(keeper, run.job, run.number, keepsResults);
        Runtime.getRuntime().addShutdownHook(new Thread(journal::stopAnyway, "journal"));
        return journal;
    }

    private boolean lead(Generator generator, SamplingOverrides defaults, @Nullable Embedding embedding, Root root,
            Team team, long begin)
            throws IOException {
        JournalDirectory.Job job = root.directory.begin(root.fingerprint, world.job());
        Path directory = root.directory.path();
        String name = root.fingerprint.job();
        JournalIndex past = JournalIndex.read(directory, name, root.prompts.rows().orElse(Integer.MAX_VALUE));
        if (past.count() > 0) {
            System.err.println(options.job() + ": " + resumed() + past.count() + " rows were finished before");
        }
        if (past.damaged() > 0) {
            System.err.println(options.job() + ": " + resumed() + past.damaged()
                    + (past.damaged() == 1 ? " line" : " lines")
                    + " of the journal are not as this job wrote them and are ignored; their rows are done again");
        }
        long rows = root.prompts.results().isEmpty() ? -1 : root.prompts.results().getAsLong() - past.count();
        Run run = world.broadcast(new Run(directory.toString(), job.name(), name, job.run(), rows), Run.class);
        List<Boolean> seen = world.gather(true, Boolean.class).orElseThrow();
        WorkQueue queue = new WorkQueue(root.prompts, team.count(), options.inBlocks(), options.numSamples(), past);
        journal = journal(new JournalFile(directory, 0), run, true);
        world.keeps(directory.toString(), past.count(), options.resume()
                ? "the same command goes on where it was"
                : "the same command with --resume goes on where it was");
        WorkServer server = new WorkServer(world, options.job(), team, queue, journal);
        for (int rank = 0; rank < seen.size(); rank++) {
            if (!seen.get(rank)) {
                server.keepFor(rank, directory);
            }
        }
        RankWorker worker = new RankWorker(world, team, generator, options, defaults, embedding, journal,
                (free, ahead, idle) -> queue.deal(0, free, ahead, idle), queue);
        Shown mine = work(generator, worker, team, run, begin);
        server.close();
        List<Shown> shown = world.gather(mine, Shown.class).orElseThrow().stream()
                .filter(each -> each.report.rank() % team.size() == 0).toList();
        return finish(root, queue, shown, secondsSince(started), generator, defaults);
    }

    /** Does this rank's share. */
    private Shown work(Generator generator, RankWorker worker, Team team, Run run, long begin) {
        long rows = run.rows < 0 ? Long.MAX_VALUE : (run.rows + team.count() - 1) / team.count();
        long loaded = System.nanoTime();
        int slots = worker.prepare(rows);
        long ready = System.nanoTime();
        double loadSeconds = (ready - begin) / 1e9;
        world.barrier();
        started = System.nanoTime();
        worker.generate((int) Math.max(1, Math.min(slots, rows)));
        double seconds = secondsSince(started);
        Timing timing = generator.timing();
        return new Shown(new Report.RankReport(world.rank(), world.host(), device.name(),
                worker.prompts(), worker.tokens(), seconds, timing.prefillSeconds(), timing.decodeSeconds(),
                timing.steps(), generator.peakMemoryBytes(), prompting(generator),
                new Report.Drafting(generator.drafted().tokens(), generator.drafted().right()),
                start.report(generator, begin, (ready - loaded) / 1e9, worker.firstTokensSeconds())), slots,
                worker.trace().taken(loadSeconds, (started - begin) / 1e9));
    }

    private static Report.Prompting prompting(Generator generator) {
        CacheUse use = generator.cacheUse();
        return new Report.Prompting(use.computedTokens(), use.sharedTokens(), use.interruptions());
    }

    private DType dtype(Checkpoint checkpoint) {
        return options.dtype().map(DType::parse)
                .orElse(Generator.defaultDtype(checkpoint.config(), device));
    }

    private boolean finish(Root root, WorkQueue queue, List<Shown> shown, double seconds, Generator generator,
            SamplingOverrides defaults) throws IOException {
        root.directory.stay();
        JournalIndex index = JournalIndex.read(root.directory.path(), root.fingerprint.job(), queue.prompts());
        if (options.output().equals("-")) {
            world.done(ExitCode.FAILED.code()); // what has gone to stdout cannot be taken back
        }
        try (JournalResults results = index.results(queue.prompts(), queue::samples)) {
            ResultFile.write(results, index.tally().results(), options.output(), System.out);
        }
        world.keeps("", 0, "");
        Tally tally = index.tally();
        // where nothing is generated the tokens are those of the prompts
        Summary summary = new Summary(shown.stream().map(Shown::report)
                .mapToLong(each -> options.embed().isEmpty() ? each.tokens() : each.prompting().tokens()).sum(),
                queue.prompts(), seconds);
        double load = shown.stream().mapToDouble(each -> each.trace.loadSeconds()).max().orElse(0);
        int batchSize = shown.stream().mapToInt(Shown::batchSize).max().orElse(0);
        Report report = Report.of(summary, tally, batchSize, generator.dtype().toString(), world.device(),
                options.model(), load, options.tensorParallel(), world.restarts(), world.deaths(),
                shown.stream().map(Shown::report).toList());
        if (options.report().isPresent()) {
            String file = options.report().get();
            if (file.toLowerCase(Locale.ROOT).endsWith(".html")) {
                new ReportPage(report, shown.stream().map(Shown::trace).toList(), tally,
                        JobSettings.of(report, options, defaults)).write(file);
            } else {
                report.write(file);
            }
        }
        if (options.manifest().isPresent()) {
            Manifest.of(root.checkpoint, options.prompts(), JobSettings.of(report, options, defaults),
                    options.output(), tally).write(options.manifest().get());
        }
        setMode();
        root.directory.remove();
        Optional<String> failures = tally.failures().sentence(tally.results());
        world.done((failures.isPresent() ? ExitCode.SOME_ROWS_FAILED : ExitCode.DONE).code());
        failures.ifPresent(sentence -> System.err.println(options.job() + ": " + Printable.escaped(sentence)));
        world.status(options.job() + ": " + whatIsWhere(tally));
        System.out.println(summary.line());
        return failures.isPresent();
    }

    private String whatIsWhere(Tally tally) {
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%,d results in %s", tally.results(),
                options.output().equals("-") ? "stdout" : options.output()));
        options.report().ifPresent(file -> text.append(", the report in ").append(file));
        options.manifest().ifPresent(file -> text.append(", the manifest in ").append(file));
        return text.toString();
    }

    private void setMode() throws IOException {
        if (options.fileMode().isPresent()) {
            for (String file : Stream.of(Optional.of(options.output()), options.report(), options.manifest())
                    .flatMap(Optional::stream).toList()) {
                if (!file.equals("-") && Files.isRegularFile(Path.of(file))) {
                    Files.setPosixFilePermissions(Path.of(file), options.fileMode().get());
                }
            }
        }
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
