package dev.lockstep.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Admission;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.LoadTimes;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.host.Share;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.tokenizer.Tokenizer;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceMemory;
import dev.lockstep.torch.OutOfDeviceMemoryException;

/**
 * Generates text for many prompts on one device with continuous batching: a fixed number of slots, each refilled with
 * the next request as soon as its sequence ends. Every sequence gets the text it would get alone.
 *
 * <pre>{@code
 * try (Generator generator = Generator.load(Checkpoint.open(directory), Device.CPU)) {
 *     System.out.println(generator.complete(List.of("In the beginning"), params, 16).get(0).text());
 * }
 * }</pre>
 *
 * <p>Not safe for use by several threads.
 */
public final class Generator implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Generator.class);
    private static final int CPU_SLOTS = 64;
    private static final int CUDA_SLOTS = 1024;

    // null: the model has random weights and no text
    private final @Nullable Tokenizer tokenizer;
    private final @Nullable GuidedTokens guided;
    private final @Nullable ChatPrompt chatPrompt;
    private final Decoder decoder;
    private final CacheReservation reservation;
    private final double tokenizerSeconds;
    private Timing timing = Timing.NONE;
    private CacheUse cacheUse = CacheUse.NONE;
    private Drafted drafted = Drafted.NONE;
    // null: nothing is drafted
    private @Nullable Double costOfLooking;
    private int prefillTokens;
    private IntConsumer beforeDecoding = rows -> {
    };

    private Generator(@Nullable Tokenizer tokenizer, @Nullable ChatPrompt chatPrompt, Decoder decoder,
            double tokenizerSeconds) {
        this.tokenizerSeconds = tokenizerSeconds;
        this.tokenizer = tokenizer;
        this.guided = tokenizer == null ? null : new GuidedTokens(tokenizer, decoder.config().vocabulary());
        this.chatPrompt = chatPrompt;
        this.decoder = decoder;
        this.prefillTokens = decoder.passTokens();
        this.reservation = new CacheReservation(decoder);
    }

    /**
     * Loads tokenizer and weights.
     *
     * @param device {@link Device#CPU}; in a program of several ranks {@code Device.ofRank(world.device())}
     * @param dtype   the type to compute in
     * @param replica the ranks that compute the model together: each loads its part, and from then on all must make the
     *                same calls, and be given the same requests at the same calls
     * @param loaded  told now and then how many bytes of the checkpoint's weights are there
     * @throws dev.lockstep.model.ModelException when the tokenizer cannot be loaded, or the model cannot be divided
     * @throws dev.lockstep.djl.LibraryException      when the PyTorch engine cannot be loaded
     * @throws OutOfDeviceMemoryException             when the device's memory does not hold the weights
     */
    public static Generator load(Checkpoint checkpoint, Device device, DType dtype, Acceleration acceleration,
            Replica replica, LongConsumer loaded) {
        ChatPrompt chatPrompt = new ChatPrompt(checkpoint.directory());
        // while weights come
        TokenizerLoad tokenizer = new TokenizerLoad(checkpoint.directory());
        Decoder decoder = Decoder.load(checkpoint, device, dtype, acceleration, replica, loaded);
        try {
            return new Generator(tokenizer.await(), chatPrompt, decoder, tokenizer.seconds());
        } catch (RuntimeException | Error e) {
            decoder.close();
            throw e;
        }
    }

    /**
     * Loads libtorch in a thread of its own, so that {@link #load} need not wait for it if it is called a second later.
     * What goes wrong with it is for that to say.
     */
    public static void preload(Device device) {
        Thread thread = new Thread(() -> {
            try {
                Decoder.warm(device);
            } catch (RuntimeException | LinkageError e) {
                LOG.debug("to be seen again when the model is loaded", e);
            }
        }, "libtorch");
        thread.setDaemon(true);
        thread.start();
    }

    /** {@link #load(Checkpoint, Device, DType, Acceleration, Replica, LongConsumer)} by one rank, with nobody watching. */
    public static Generator load(Checkpoint checkpoint, Device device, DType dtype, Acceleration acceleration) {
        return load(checkpoint, device, dtype, acceleration, Replica.ALONE, bytes -> {
        });
    }

    /** {@link #load(Checkpoint, Device, DType, Acceleration)} with all there is. */
    public static Generator load(Checkpoint checkpoint, Device device, DType dtype) {
        return load(checkpoint, device, dtype, Acceleration.FULL);
    }

    /** {@link #load(Checkpoint, Device, DType)} in the {@linkplain #defaultDtype usual type}. */
    public static Generator load(Checkpoint checkpoint, Device device) {
        return load(checkpoint, device, defaultDtype(checkpoint.config(), device));
    }

    /** The type to compute in where nobody names one: the model's own on a GPU, float32 on CPU. */
    public static DType defaultDtype(ModelConfig config, Device device) {
        return device.isCpu() ? DType.FLOAT32 : config.dtype();
    }

    /**
     * A model of random weights and without a tokenizer, for measuring: its completions have tokens, but no text.
     */
    public static Generator random(ModelConfig config, Device device, DType dtype, Acceleration acceleration,
            Replica replica) {
        return new Generator(null, null, Decoder.random(config, device, dtype, acceleration, replica), 0);
    }

    /** {@link #random(ModelConfig, Device, DType, Acceleration, Replica)} by one rank. */
    public static Generator random(ModelConfig config, Device device, DType dtype, Acceleration acceleration) {
        return random(config, device, dtype, acceleration, Replica.ALONE);
    }

    /** How long its parts took to load. */
    public LoadTimes loadTimes() {
        return decoder.loadTimes();
    }

    /** Seconds that it took to load the tokenizer, beside the model. */
    public double tokenizerSeconds() {
        return tokenizerSeconds;
    }

    /** Seconds that recording steps of a GPU took so far. */
    public double graphSeconds() {
        return decoder.graphSeconds();
    }

    /** The type that the model computes in. */
    public DType dtype() {
        return decoder.dtype();
    }

    /**
     * What turns text into tokens for this model.
     *
     * @throws IllegalStateException of a model of random weights, which has none
     */
    public Tokenizer tokenizer() {
        if (tokenizer == null) {
            throw new IllegalStateException("a model of random weights has no tokenizer");
        }
        return tokenizer;
    }

    /** Told after every step how far the work is. */
    public interface Progress {
        void at(int rowsDone, long tokens);
    }

    /**
     * Slots where the user names no number: what the device makes good use of and the cache has room for, in waves of
     * equal size.
     *
     * @param requests the first of them
     * @param rows     how many there will be; {@link Long#MAX_VALUE} where nobody knows
     */
    public int autoBatchSize(List<Request> requests, long rows) {
        long slots = Math.max(1, Math.min(mostSlots(), reservation.fit(requests)));
        long waves = Math.max(1, rows / slots + (rows % slots == 0 ? 0 : 1));
        return (int) Math.max(1, rows / waves + (rows % waves == 0 ? 0 : 1));
    }

    /**
     * Leaves a GPU's memory to others.
     *
     * @param share of all of it that may be in use, above 0 and at most 1, as it is to begin with
     */
    public void memoryShare(double share) {
        reservation.memoryShare(share);
    }

    /**
     * Tokens that probably come next, since a text says again what it or its prompt has said, are computed beside the last ones,
     * and counted where they are what is chosen then: the same text in fewer steps, where these are of few rows. Sequences under
     * way are forgotten. On CPU keys and values are then gathered for each step.
     */
    public void speculate() {
        speculate(Speculation.costOfLooking(decoder));
    }

    /** For tests, which draft for models that are too small for it to pay. */
    void speculate(double cost) {
        costOfLooking = cost;
        decoder.usePages();
        reservation.leastSlots(Speculation.SLOTS);
    }

    /**
     * The largest automatic batch size on a GPU.
     *
     * @param free   bytes of its memory beside the weights
     * @param tokens of each row, prompt and new ones together
     */
    public static int gpuSlots(ModelConfig config, DType dtype, long free, int tokens) {
        return (int) Math.min(CUDA_SLOTS,
                CacheReservation.ofGpu(Math.max(0, free)) / (config.tokenBytes(dtype) * tokens));
    }

    /** No automatic batch size is above this. */
    public int mostSlots() {
        return decoder.device().isCpu() ? CPU_SLOTS : CUDA_SLOTS;
    }

    /**
     * Completes texts, all with the same parameters. The tokenizer adds its special tokens to each, a begin token as a
     * rule, so they do not stand in the text.
     *
     * <p>
     * A prompt's {@linkplain Completion#index() index} is its place in the list, and where the list is one rank's
     * {@link Share} of a longer one its place there. It fixes the random numbers that the prompt's text is drawn with, so
     * that {@code complete(world.split(prompts), ...)} gives the same texts whatever the number of ranks is.
     *
     * @param batchSize sequences at a time, at least 1
     * @return a completion for each prompt, in order; one that cannot be generated has an error
     */
    public List<Completion> complete(List<String> prompts, SamplingParams params, int batchSize) {
        return complete(prompts, params, batchSize, firstIndex(prompts));
    }

    /**
     * {@link #complete(List, SamplingParams, int)} for prompts of which somebody else knows the place.
     *
     * @param firstIndex the index of the first prompt; the others count on from there
     */
    public List<Completion> complete(List<String> prompts, SamplingParams params, int batchSize, int firstIndex) {
        List<Request> requests = new ArrayList<>();
        for (String prompt : prompts) {
            requests.add(new Request(firstIndex + requests.size(), 0, tokenizer().encode(prompt, true), params));
        }
        return generate(requests, batchSize);
    }

    /**
     * Answers one conversation, which has index 0; {@link #chat(List, SamplingParams, int)} answers many together, and is
     * much faster for many.
     *
     * @throws dev.lockstep.model.ModelException when the checkpoint has no chat template or one that cannot be read
     * @throws IllegalArgumentException               when the conversation is empty or the template refuses it
     */
    public Completion chat(List<Message> conversation, SamplingParams params) {
        return chat(List.of(conversation), params, 1).get(0);
    }

    /**
     * Answers conversations, all with the same parameters. The checkpoint's chat template makes a prompt of each, asks for
     * the assistant's turn ({@code add_generation_prompt}) and writes the special tokens; the tokenizer adds none. Indices
     * are those of {@link #complete(List, SamplingParams, int)}: {@code chat(world.split(conversations), ...)} gives the
     * same answers whatever the number of ranks is.
     *
     * @param batchSize sequences at a time, at least 1
     * @return a completion for each conversation, in order; one that cannot be generated has an error
     * @throws dev.lockstep.model.ModelException when the checkpoint has no chat template or one that cannot be read
     * @throws IllegalArgumentException               naming the conversation that is empty or that the template refuses;
     *                                                nothing has been generated then
     */
    public List<Completion> chat(List<? extends List<Message>> conversations, SamplingParams params, int batchSize) {
        return chat(conversations, params, batchSize, firstIndex(conversations));
    }

    /**
     * {@link #chat(List, SamplingParams, int)} for conversations of which somebody else knows the place.
     *
     * @param firstIndex the index of the first conversation; the others count on from there
     */
    public List<Completion> chat(List<? extends List<Message>> conversations, SamplingParams params, int batchSize,
            int firstIndex) {
        List<Request> requests = new ArrayList<>();
        for (List<Message> conversation : conversations) {
            int index = firstIndex + requests.size();
            requests.add(new Request(index, 0, chatIds(conversation, index), params));
        }
        return generate(requests, batchSize);
    }

    private int[] chatIds(List<Message> conversation, int index) {
        Tokenizer tokens = tokenizer();
        try {
            return tokens.encode(Objects.requireNonNull(chatPrompt).of(conversation), false);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("conversation " + index + ": " + e.getMessage(), e);
        }
    }

    private static int firstIndex(List<?> prompts) {
        return prompts instanceof Share<?> share ? share.start() : 0;
    }

    /** {@link #generate(List, int, Progress)} where nobody wants to know how far the work is. */
    public List<Completion> generate(List<Request> requests, int batchSize) {
        return generate(requests, batchSize, (rows, tokens) -> {
        });
    }

    /**
     * Generates every request. One that cannot be generated becomes a completion with an error; the others go on.
     *
     * @param batchSize sequences at a time, at least 1
     * @return a completion for each request, in order
     */
    public List<Completion> generate(List<Request> requests, int batchSize, Progress progress) {
        List<Request> good = good(requests);
        int slots = Math.max(1, Math.min(batchSize, good.size()));
        if (!good.isEmpty()) {
            reservation.reserve(good, slots);
        }
        OrderedCompletions ordered = new OrderedCompletions(requests, progress);
        generate(ordered, slots, ordered);
        return ordered.completions();
    }

    /**
     * Generates what the source gives until it has no more. A request that cannot be generated becomes a completion with
     * an error; the others go on. When the device's memory runs out, the sequences under way begin again with half the slots.
     *
     * @param slots sequences at a time, at least 1
     */
    public void generate(RequestSource source, int slots, SequenceListener listener) {
        Scheduler scheduler = new Scheduler(decoder, reservation, this::text, guided, source, slots, prefillTokens,
                costOfLooking,
                listener, beforeDecoding);
        try {
            scheduler.run();
        } finally {
            timing = timing.plus(scheduler.timing());
            cacheUse = cacheUse.plus(scheduler.cacheUse());
            drafted = drafted.plus(scheduler.drafted());
        }
    }

    /** For tests, whose prompts are shorter than those that do not fit into a pass of the usual size. */
    void prefillTokens(int most) {
        prefillTokens = most;
    }

    /** For tests, which let the cache be small: it has at most so many pages of so many tokens each. */
    void cachePages(int most, int tokens) {
        reservation.pages(most, tokens);
    }

    /** For tests: the cache has room for one and a half rows of so many tokens, in pages of so many tokens each. */
    void cacheRow(int tokens, int pageTokens) {
        decoder.pageTokens(pageTokens);
        reservation.pages(decoder.pages(tokens) * 3 / 2 + 2 + decoder.pagesAside(), pageTokens);
    }

    /** For tests: pages of the cache that no sequence has. */
    int availablePages() {
        return decoder.availablePages();
    }

    /** For tests, which let the decoder fail there; it is given the number of sequences. */
    void beforeDecoding(IntConsumer hook) {
        beforeDecoding = hook;
    }

    private List<Request> good(List<Request> requests) {
        return requests.stream().filter(request -> RequestErrors.of(request, decoder.config()) == null).toList();
    }

    /**
     * Makes ready what generating these requests will need: the cache and, on a GPU, the programs that are compiled at
     * first use. {@link #generate} does so itself; this is for doing it before the clock starts.
     *
     * @return how many sequences at a time there is memory for, at most {@code batchSize}
     */
    public int prepare(List<Request> requests, int batchSize) {
        List<Request> good = good(requests);
        if (good.isEmpty()) {
            return batchSize;
        }
        int slots = Math.min(batchSize, good.size());
        for (int fit = slots;; fit /= 2) {
            try {
                reservation.reserveForMore(good, fit);
                if (!decoder.device().isCpu()) {
                    warmUp(good.subList(0, fit));
                }
                return fit == slots ? batchSize : fit;
            } catch (OutOfDeviceMemoryException e) {
                if (fit == 1) {
                    throw e;
                }
                reservation.shrink();
                LOG.warn("out of memory with room for {} rows at a time; trying {}", fit, fit / 2);
            }
        }
    }

    private void warmUp(List<Request> first) {
        List<Admission> admissions = new ArrayList<>();
        int budget = prefillTokens;
        int scores = Decoder.MOST_SCORED;
        for (Request request : first) {
            Sequence sequence = new Sequence(request, Math.max(1, request.forced().length),
                    decoder.config().vocabulary(), this::text, guided);
            if (!admissions.isEmpty() && (sequence.start().length > budget || sequence.scored() > scores)) {
                continue;
            }
            Admission piece = sequence.piece(admissions.size(), budget, scores);
            admissions.add(piece);
            budget -= piece.brought();
            scores -= piece.scoredHere();
            if (!sequence.isComplete()) {
                break;
            }
        }
        for (int i = 0; i < 3; i++) {
            decoder.prefill(admissions);
        }
        // what is scored or embedded takes no steps
        if (first.stream().anyMatch(request -> request.forced().length == 0 && request.embedding() == null)) {
            decoder.warmUp(first.size(), 1, Decoder.STEPS_TO_RECORD, admissions.get(0).settings());
        }
    }

    private String text(int[] ids) {
        return tokenizer == null ? "" : tokenizer.decode(ids, true);
    }

    /** Where the time went since the generator was loaded. */
    public Timing timing() {
        return timing;
    }

    /** What became of prompts since the generator was loaded. */
    public CacheUse cacheUse() {
        return cacheUse;
    }

    /** What came of drafting tokens since the generator was loaded. */
    public Drafted drafted() {
        return drafted;
    }

    /** The most bytes of the device's memory that were {@linkplain DeviceMemory#peak seen in use}. */
    public long peakMemoryBytes() {
        return decoder.memory().peak();
    }

    /** Frees the model. */
    @Override
    public void close() {
        decoder.close();
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}
