package dev.lockstep.job;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.core.type.TypeReference;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.Timing;
import dev.lockstep.model.Checkpoint;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.world.World;

/**
 * The built-in {@code generate}: splits the prompts over the ranks, generates on each, gathers the results to rank 0,
 * which writes them in input order and prints how fast it went.
 */
public final class Generate {
    private static final int SOME_ROWS_FAILED = 3;

    private final World world;
    private final GenerateOptions options;

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

    /** What a rank has to show for its share. */
    private record Share(List<Result> results, Report.RankReport report, int batchSize, double loadSeconds) {}

    /** Whether some row failed; on other ranks than the root always false. */
    private boolean run() throws IOException {
        List<Prompt> prompts = prompts();
        Checkpoint checkpoint = Checkpoint.open(options.model());
        SamplingOverrides defaults = SamplingOverrides.ofCheckpoint(checkpoint.generationDefaults());
        DType dtype = options.dtype().map(DType::parse).orElse(isCuda() ? checkpoint.config().dtype() : DType.FLOAT32);
        // nobody loads weights before all have found the checkpoint good
        world.barrier();
        long begin = System.nanoTime();
        try (Generator generator = Generator.load(checkpoint, isCuda() ? "cuda:0" : "cpu", dtype)) {
            Rows rows = rows(generator, world.split(prompts), defaults);
            int batchSize = options.batchSize().orElse(generator.autoBatchSize(rows.requests()));
            generator.prepare(rows.requests(), batchSize);
            double loadSeconds = secondsSince(begin);
            world.barrier();
            long start = System.nanoTime();
            Share mine = generate(generator, rows, batchSize, loadSeconds);
            Optional<List<Share>> shares = world.gather(mine, Share.class);
            double seconds = secondsSince(start);
            return shares.isPresent() && finish(prompts, shares.get(), seconds, dtype);
        }
    }

    private List<Prompt> prompts() throws IOException {
        List<Prompt> read = null;
        if (world.isRoot()) {
            options.checkTargets();
            read = ChatRows.render(PromptReader.readAll(options.prompts(), System.in), options.model());
        }
        return world.broadcast(read, new TypeReference<List<Prompt>>() {
        });
    }

    private boolean isCuda() {
        return world.device().equals("cuda");
    }

    /** A rank's share as requests, each with the prompt it came from, and the results of rows that cannot be any. */
    private record Rows(int prompts, List<Request> requests, List<Prompt> sources, List<Result> failed) {}

    private Rows rows(Generator generator, List<Prompt> prompts, SamplingOverrides defaults) {
        Rows rows = new Rows(prompts.size(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (Prompt prompt : prompts) {
            try {
                for (Request request : requests(generator, prompt, defaults)) {
                    rows.requests.add(request);
                    rows.sources.add(prompt);
                }
            } catch (IllegalArgumentException e) {
                for (int sample = 0; sample < prompt.samplesOr(options.numSamples()); sample++) {
                    rows.failed.add(Result.failed(prompt, sample, 0, world.rank(), e.getMessage()));
                }
            }
        }
        return rows;
    }

    private Share generate(Generator generator, Rows rows, int batchSize, double loadSeconds) {
        long start = System.nanoTime();
        int failed = rows.failed.size();
        int total = failed + rows.requests.size();
        world.progress(failed, total, 0);
        List<Completion> completions = generator.generate(rows.requests, batchSize,
                (done, tokens) -> world.progress(failed + done, total, tokens));
        List<Result> results = new ArrayList<>(rows.failed);
        for (int i = 0; i < completions.size(); i++) {
            results.add(Result.of(rows.sources.get(i), completions.get(i), world.rank()));
        }
        Timing timing = generator.timing();
        long tokens = results.stream().mapToLong(Result::completionTokens).sum();
        Report.RankReport report = new Report.RankReport(world.rank(), world.host(), isCuda() ? "cuda:0" : "cpu",
                rows.prompts, tokens, secondsSince(start), timing.prefillSeconds(), timing.decodeSeconds(),
                timing.steps(), generator.memory().used());
        return new Share(results, report, batchSize, loadSeconds);
    }

    /**
     * @throws IllegalArgumentException with the reason why the row cannot be generated
     */
    private List<Request> requests(Generator generator, Prompt prompt, SamplingOverrides defaults) {
        if (prompt.error() != null) {
            throw new IllegalArgumentException(prompt.error());
        }
        var params = SamplingOverrides.resolve(prompt.overrides(), options.sampling(), defaults);
        int[] ids = generator.tokenizer().encode(prompt.text(), options.addSpecialTokens() && !prompt.rendered());
        List<Request> requests = new ArrayList<>();
        for (int sample = 0; sample < prompt.samplesOr(options.numSamples()); sample++) {
            requests.add(new Request(prompt.index(), sample, ids, params));
        }
        return requests;
    }

    private boolean finish(List<Prompt> prompts, List<Share> shares, double seconds, DType dtype) throws IOException {
        List<Result> results = shares.stream().flatMap(share -> share.results().stream()).toList();
        ResultFile.write(results, index -> prompts.get(index).openAi(), options.output(), System.out);
        Summary summary = Summary.of(results, prompts.size(), seconds);
        if (options.report().isPresent()) {
            double load = shares.stream().mapToDouble(Share::loadSeconds).max().orElse(0);
            int batchSize = shares.stream().mapToInt(Share::batchSize).max().orElse(0);
            Report.of(summary, results, batchSize, dtype.toString(), world.device(), options.model().toString(), load,
                    shares.stream().map(Share::report).toList()).write(options.report().get());
        }
        Optional<String> failures = Summary.failures(results);
        failures.ifPresent(sentence -> System.err.println("generate: " + sentence));
        System.out.println(summary.line());
        return failures.isPresent();
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
