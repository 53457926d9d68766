package dev.lockstep.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Embedding;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.generate.ScoredText;
import dev.lockstep.generate.SequenceListener;
import dev.lockstep.generate.Timing;
import dev.lockstep.journal.CrashSuspects;
import dev.lockstep.journal.Journal;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptError;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.replica.Team;
import dev.lockstep.report.RankTrace;
import dev.lockstep.results.Result;
import dev.lockstep.world.World;

/**
 * What one rank does of a job: makes requests of the samples it is dealt and puts what becomes of them into its journal. Of
 * ranks that compute a model together all do so, and the first one's journal counts.
 */
final class RankWorker implements SequenceListener, PrefetchedRequests.Making {
    private final World world;
    private final Team team;
    private final Generator generator;
    private final GenerateOptions options;
    private final SamplingOverrides defaults;
    // null: texts are generated, or scored
    private final @Nullable Embedding embedding;
    private final Journal journal;
    private final PrefetchedRequests supply;
    // null on other ranks than 0, who know of no more rows than they have been dealt
    private final @Nullable WorkQueue queue;
    private final RankTrace trace;
    // null: nobody wants to see them
    private final @Nullable FinishedRows finishedRows;
    private int slots = 1;
    private long started;
    private long done;
    private long begun;
    private long firstTokensNanos;
    private long tokens;
    private long tokensEnded;
    private long tokensAllowed; // to the samples that have started
    private @Nullable Prompt encoded;
    private int[] encodedIds = new int[0];

    RankWorker(World world, Team team, Generator generator, GenerateOptions options, SamplingOverrides defaults,
            @Nullable Embedding embedding, Journal journal, WorkServer.WorkSource source, @Nullable WorkQueue queue) {
        this.world = world;
        this.team = team;
        this.generator = generator;
        this.options = options;
        this.defaults = defaults;
        this.embedding = embedding;
        this.journal = journal;
        this.supply = new PrefetchedRequests(source, this, team);
        this.queue = queue;
        this.trace = new RankTrace(world.rank());
        this.finishedRows = world.isWatched() && team.leads() ? new FinishedRows(world::status) : null;
    }

    /**
     * Fetches the first samples and makes the generator ready for them.
     *
     * @param rows of the whole job for one rank or team, {@link Long#MAX_VALUE} where nobody knows
     * @return slots
     */
    int prepare(long rows) {
        int wanted = options.batchSize().orElse(generator.mostSlots());
        List<Request> first = supply.first((int) Math.max(1, Math.min(wanted, rows)));
        generator.memoryShare(options.gpuMemoryUtilization());
        if (options.speculates()) {
            generator.speculate();
        }
        int slots = options.batchSize().orElseGet(() -> generator.autoBatchSize(first, rows));
        return generator.prepare(first, slots);
    }

    /** Generates until no rank has samples for this one. */
    void generate(int slotsInUse) {
        slots = slotsInUse;
        trace.begin();
        begun = System.nanoTime();
        stepped(0, Timing.NONE);
        supply.keepAhead(2 * slots);
        generator.generate(supply, slots, this);
        trace.stepped(tokens, generator.timing());
        journal.stop();
    }

    @Override
    public void begin(List<WorkQueue.Item> work) {
        journal.starting(work.stream().flatMap(each -> IntStream.range(each.from(), each.to())
                .mapToObj(sample -> new CrashSuspects.Sample(each.prompt().index(), sample))).toList(),
                work.get(0).apart());
    }

    @Override
    public List<Request> requests(WorkQueue.Item work) {
        Prompt prompt = work.prompt();
        try {
            if (prompt.error() != null) {
                throw new IllegalArgumentException(prompt.error());
            }
            if (embedding != null) {
                return embedding(work, embedding);
            }
            var params = SamplingOverrides.resolve(prompt.overrides(), options.sampling(), defaults);
            if (prompt.scored() != null) {
                return scoring(work, prompt.scored(), params);
            }
            int[] ids = ids(prompt);
            List<Request> requests = new ArrayList<>();
            for (int sample = work.from(); sample < work.to(); sample++) {
                requests.add(new Request(prompt.index(), sample, ids, params));
            }
            return requests;
        } catch (RuntimeException | StackOverflowError e) {
            for (int sample = work.from(); sample < work.to(); sample++) {
                failed(prompt, sample, 0, PromptError.of(e));
            }
            return List.of();
        }
    }

    private List<Request> embedding(WorkQueue.Item work, Embedding how) {
        Prompt prompt = work.prompt();
        List<String> texts = prompt.scored();
        List<Request> requests = new ArrayList<>();
        for (int sample = work.from(); sample < work.to(); sample++) {
            // a request of OpenAI's form may have several texts
            requests.add(Request.embedding(prompt.index(), sample, texts == null
                    ? ids(prompt)
                    : generator.tokenizer().encode(texts.get(sample), addsSpecialTokens(prompt)),
                    how.withDimensions(prompt.openAi() == null ? 0 : prompt.openAi().dimensions())));
        }
        return requests;
    }

    /** A request for each text that can be scored, and a failed result for others. */
    private List<Request> scoring(WorkQueue.Item work, List<String> texts, SamplingParams params) {
        Prompt prompt = work.prompt();
        List<Request> requests = new ArrayList<>();
        for (int sample = work.from(); sample < work.to(); sample++) {
            try {
                ScoredText scored = ScoredText.of(generator.tokenizer(), prompt.textOrEmpty(), ids(prompt),
                        texts.get(sample), addsSpecialTokens(prompt),
                        ids(prompt).length > 0 ? -1 : beforeTexts(params));
                requests.add(Request.scoring(prompt.index(), sample, scored.promptIds(), scored.textIds(),
                        Math.max(1, params.logprobs())));
            } catch (IllegalArgumentException e) {
                failed(prompt, sample, 0, PromptError.of(e));
            }
        }
        return requests;
    }

    /** What an empty prompt is: the token that begins texts, or one that ends them; -1 where there is neither. */
    private int beforeTexts(SamplingParams params) {
        return generator.tokenizer().begin()
                .orElseGet(() -> params.eosTokenIds().stream().findFirst().orElse(-1));
    }

    /** The samples of a prompt come in turn, and its tokens are the same for all. */
    @SuppressWarnings("ReferenceEquality") // the very same: it is read only once
    private int[] ids(Prompt prompt) {
        if (prompt != encoded) {
            String text = prompt.textOrEmpty();
            encodedIds = generator.tokenizer().encode(prompt.scored() == null ? text : ScoredText.context(text),
                    addsSpecialTokens(prompt));
            encoded = prompt;
        }
        return encodedIds;
    }

    /** A chat template has put them in itself. */
    private boolean addsSpecialTokens(Prompt prompt) {
        return options.addSpecialTokens() && !prompt.rendered();
    }

    private void failed(Prompt prompt, int sample, int promptTokens, String error) {
        try {
            journal.add(Result.failed(prompt, sample, promptTokens, world.rank(), error));
        } catch (IllegalArgumentException e) {
            // it is the prompt's text that cannot be written
            journal.add(Result.failed(prompt.broken(error), sample, promptTokens, world.rank(), error));
        }
        done++;
    }

    @Override
    public void starting(List<Request> requests) {
        trace.starting(requests);
        started += requests.size();
        requests.forEach(request -> tokensAllowed += request.params().maxNewTokens());
    }

    @Override
    public void finished(Request request, Completion completion) {
        Prompt prompt = supply.promptOf(request);
        trace.finished(request, prompt, completion);
        tokensEnded += completion.tokenIds().length;
        try {
            Result result = Result.of(prompt, completion, world.rank(), generator.tokenizer());
            journal.add(result);
            done++;
            if (finishedRows != null) {
                finishedRows.show(result);
            }
        } catch (RuntimeException | StackOverflowError e) {
            failed(prompt, request.sample(), completion.promptTokens(), PromptError.of(e));
        }
    }

    @Override
    public void stepped(long tokensSoFar, Timing timing) {
        if (tokens == 0 && tokensSoFar > 0) {
            firstTokensNanos = System.nanoTime() - begun;
        }
        tokens = tokensSoFar;
        trace.stepped(tokens, timing);
        if (!journal.flush()) {
            return; // it ends, and what it does meanwhile is not done
        }
        if (!team.leads()) {
            world.alive(); // what is done is told by the first
            return;
        }
        long rows = queue == null ? supply.rows() : queue.notDealtToOthers();
        world.progress(done, rows, tokens, tokensToCome(rows), queue == null ? -1 : queue.all());
    }

    /**
     * Samples that have ended tell how long the others will be, but the first to end are the short ones: until as many samples
     * have ended as run at once, samples are taken to be as long as they may become.
     */
    private long tokensToCome(long rows) {
        double each = done >= slots ? (double) tokensEnded / done : (double) tokensAllowed / Math.max(1, started);
        return Math.max(0, Math.round(each * (rows - done)) - (tokens - tokensEnded));
    }

    /** Tokens that it has generated. */
    long tokens() {
        return tokens;
    }

    /** From the beginning of generation until it had tokens; 0 where it had none. */
    double firstTokensSeconds() {
        return firstTokensNanos / 1e9;
    }

    /** What it did when. */
    RankTrace trace() {
        return trace;
    }

    /** Prompts that it was dealt. */
    int prompts() {
        return supply.prompts();
    }
}
