package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.KvScales;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.sampling.EditsByStep;
import dev.lockstep.decoder.sampling.LogitEdits;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.ReplicaException;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceMemory;
import dev.lockstep.torch.OutOfDeviceMemoryException;

/**
 * A transformer with its weights, its key-value cache and the rows that are being generated, on one device. It is driven
 * in steps: {@link #allocate}, then {@link #prefill} brings prompts into slots and chooses their first tokens, and each
 * {@link #step} chooses one more for slots 0 to n - 1. Slots in use are kept without holes by {@link #move}.
 *
 * <p>All computation is in the TorchScript program that begins in {@code decoder.torchscript} beside this class, but for
 * what {@link CudaStep} and {@link CudaSampler} take over on a GPU. Not safe for use by several threads.
 */
public final class Decoder implements AutoCloseable {
    /** Prompt tokens that keep any device busy. */
    private static final int PASS_TOKENS = 2048;
    /** With so many what a GPU does between passes no longer counts. */
    static final int MOST_PASS_TOKENS = 8192;
    /** A pass may take such a part of the memory that there is beside the weights. */
    private static final int PARTS_FOR_A_PASS = 32;
    /** So many tokens are scored in one pass, whose logits take as much memory as those of so many rows. */
    public static final int MOST_SCORED = 256;
    /**
     * The most steps that {@link #step} takes at once. The driver holds only so many launches: with 16 recorded steps of
     * some 300 each the last one waits, turning on a core, until the first is done.
     */
    public static final int LOOKAHEAD = DecoderProgram.TOKENS_KEPT;
    private static final TokenLogprobs[] NONE = {};
    /** So many steps that take the same kernels are compiled and recorded for good. */
    public static final int STEPS_TO_RECORD = 6;
    /** In the place of a token: the row's logits are no finite numbers. */
    public static final int NO_NUMBER = -1;
    /** In the place of a token: every token is ruled out. */
    public static final int NO_TOKEN = -2;
    private final ModelConfig config;
    private final Replica replica;
    private final Device device;
    private final DeviceMemory memory;
    private final DType dtype;
    private final DecoderProgram program;
    private final KvCache cache;
    private final DecodeSteps steps;
    private final boolean sameText;
    private final LoadTimes loadTimes;
    private final int passTokens;
    // by slot
    private RowSampling[] settings = {};
    private int[] lengths = {};
    private DecoderAllocation size = new DecoderAllocation(0, 0);
    private TokenLogprobs[] scores = NONE;
    // the program has edits for the first tokens of the next prompts
    private boolean edited;

    /** How a program that knows its shapes gets its weights. */
    private interface Loading {
        void place(DecoderProgram program, Shard shard, Weights kept);
    }

    private Decoder(ModelConfig config, @Nullable Checkpoint checkpoint, Device device, DType dtype,
            Acceleration acceleration, Replica replica, Loading weights) {
        long begin = System.nanoTime();
        this.config = config;
        this.replica = replica;
        Shard shard = Shard.of(config, replica.rank(), replica.size());
        ModelConfig part = shard.part();
        this.device = device;
        this.memory = new DeviceMemory(device);
        this.dtype = dtype;
        this.program = DecoderProgram.load(device);
        try {
            KvScales fp8Kv = !acceleration.fp8Kv()
                    ? null
                    : checkpoint == null ? KvScales.none(config.layers()) : checkpoint.kvScales();
            this.cache = new KvCache(program, part, dtype, !device.isCpu(), fp8Kv);
            program.configure(shard, dtype, device);
            if (!device.isCpu()) {
                program.useDevice(device);
            }
            if (fp8Kv != null) {
                Fp8.useForKv(program, part, device, dtype, fp8Kv);
            }
            Weights kept = Weights.WIDE;
            if (Int4.isKept(program, part, checkpoint, device, dtype, acceleration, replica, memory)) {
                kept = Weights.INT4;
            } else if (Fp8.useForProducts(program, part, device, dtype, acceleration.weights(),
                    checkpoint != null && checkpoint.isFp8ByRow())) {
                kept = Weights.FP8;
            }
            program.useExperts(ExpertWeights.of(part, checkpoint, device, dtype, acceleration, kept));
            this.sameText = DecodeSteps.isSameText(part, device, dtype, acceleration, kept, replica);
            long ready = System.nanoTime();
            weights.place(program, shard, kept);
            long loaded = System.nanoTime();
            this.steps = DecodeSteps.of(program, cache, shard, device, dtype, acceleration, kept, sameText, replica);
            this.passTokens = mostPassTokens();
            this.loadTimes = new LoadTimes((ready - begin) / 1e9, (loaded - ready) / 1e9,
                    (System.nanoTime() - loaded) / 1e9);
        } catch (RuntimeException | Error e) {
            program.close(); // with what it has of the weights
            throw e;
        }
    }

    /**
     * Loads a model's weights. On CPU, weights stored in {@code dtype} stay mapped into memory and are not copied;
     * others, which are converted, are packed for faster products where {@code dtype} is float32. Weights in fewer bits
     * are made numbers of {@code dtype} one at a time, but for fp8 that products on a GPU take as it is.
     *
     * @param dtype   the type to compute in; norms, rotations and sampling are in float32 always
     * @param replica the ranks that compute it together, each of which calls the same of its decoder with the same
     * @param loaded  told now and then how many of the checkpoint's bytes are there
     * @throws ModelException                                when its weights cannot be kept as {@code acceleration} asks,
     *                                                       or it cannot be divided among the ranks
     * @throws dev.lockstep.djl.LibraryException             when the PyTorch engine cannot be loaded
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when the device's memory does not hold the weights
     */
    public static Decoder load(Checkpoint checkpoint, Device device, DType dtype, Acceleration acceleration,
            Replica replica, LongConsumer loaded) {
        return new Decoder(checkpoint.config(), checkpoint, device, dtype, acceleration, replica,
                (program, shard, kept) -> new CheckpointWeights(program, checkpoint, shard, device, dtype, kept)
                        .place(loaded));
    }

    /** {@link #load(Checkpoint, Device, DType, Acceleration, Replica, LongConsumer)} by one rank, with nobody watching. */
    public static Decoder load(Checkpoint checkpoint, Device device, DType dtype, Acceleration acceleration) {
        return load(checkpoint, device, dtype, acceleration, Replica.ALONE, bytes -> {
        });
    }

    /** A model of random weights, for measuring shapes of which there is no checkpoint. */
    public static Decoder random(ModelConfig config, Device device, DType dtype, Acceleration acceleration,
            Replica replica) {
        return new Decoder(config, null, device, dtype, acceleration, replica,
                (program, shard, kept) -> RandomWeights.place(program.weights(), shard.part(), kept,
                        program.experts()));
    }

    /** {@link #random(ModelConfig, Device, DType, Acceleration, Replica)} by one rank. */
    public static Decoder random(ModelConfig config, Device device, DType dtype, Acceleration acceleration) {
        return random(config, device, dtype, acceleration, Replica.ALONE);
    }

    /** Loads libtorch, and has it use the device for the first time, so that {@link #load} finds that done. */
    public static void warm(Device device) {
        try (DecoderProgram program = DecoderProgram.load(device)) {
            if (!device.isCpu()) {
                program.useDevice(device);
            }
        }
    }

    /** The model's shapes. */
    public ModelConfig config() {
        return config;
    }

    /** The ranks that compute it together. */
    public Replica replica() {
        return replica;
    }

    /** What it is on. */
    public Device device() {
        return device;
    }

    /** The type it computes in. */
    public DType dtype() {
        return dtype;
    }

    private int mostPassTokens() {
        int tokens = PASS_TOKENS;
        if (!device.isCpu()) {
            long most = memory.free() / PARTS_FOR_A_PASS;
            while (tokens < MOST_PASS_TOKENS && steps.prefillBytes(2 * tokens) <= most) {
                tokens *= 2;
            }
        }
        return (int) replica.least(tokens);
    }

    /** As many prompt tokens as one pass does well to bring in. */
    public int passTokens() {
        return passTokens;
    }

    /** Whether a row's logits are the same bits whatever rows are beside it: to begin again, its tokens have to be chosen again. */
    public boolean isSameText() {
        return sameText;
    }

    /** Memory of the device, whose peak is kept from the first {@link #allocate} on. */
    public DeviceMemory memory() {
        return memory;
    }

    /** How long its parts took to load. */
    public LoadTimes loadTimes() {
        return loadTimes;
    }

    /** Seconds that recording steps took. */
    public double graphSeconds() {
        return steps.graphSeconds();
    }

    /** Bytes of the device's memory that recorded steps hold. */
    public long graphBytes() {
        return steps.graphBytes();
    }

    /** Tokens of a page of the key-value cache; 0 on CPU, where a slot is one page, as long as the longest sequence. */
    public int pageTokens() {
        return cache.pageTokens();
    }

    /** Bytes of the device's memory that the keys and values of a token take. */
    public long tokenBytes() {
        return cache.bytesPerToken();
    }

    /** Pages of the key-value cache that so many tokens of a row take, at most. */
    public int pages(int tokens) {
        return cache.pages(tokens);
    }

    /** Bytes of a page; where a slot is one page, of one of so many tokens. */
    public long pageBytes(int longest) {
        return cache.pageBytes(longest);
    }

    /** Pages that the cache has to have beside those of its slots. */
    public int pagesAside() {
        return cache.pagesAside();
    }

    /** Pages that each row but the first does not take, for each page of tokens that they begin with alike. */
    public int pagesShared() {
        return cache.pagesShared();
    }

    /** Pages that can be had now. */
    public int availablePages() {
        return cache.ledger().available();
    }

    /** Pages that slots 0 to {@code rows - 1} still need for so many steps. */
    public int lackingForSteps(int rows, int steps) {
        int lacking = 0;
        for (int slot = 0; slot < rows; slot++) {
            lacking += cache.ledger().lacking(slot, lengths[slot], lengths[slot] + steps);
        }
        return lacking;
    }

    /** For tests of the program, which takes any number; kernels take the usual one only. To be called before {@link #allocate}. */
    public void pageTokens(int tokens) {
        cache.pageTokens(tokens);
    }

    /**
     * Makes room for sequences and forgets those there were.
     *
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when the device's memory does not suffice
     */
    public void allocate(DecoderAllocation size) {
        steps.free();
        cache.free();
        this.settings = new RowSampling[size.slots()];
        this.lengths = new int[size.slots()];
        this.size = size;
        cache.allocate(size);
        program.allocateSlots(size, config.vocabulary());
        steps.allocate(size);
        memory.sample();
    }

    /** Slots may have so many tokens from now on, at least as many as before; sequences under way go on. */
    public void widen(int capacity) {
        steps.free();
        size = size.withCapacity(capacity);
        cache.widen(capacity);
        steps.allocate(size);
    }

    /**
     * How many of a row's first tokens are in the cache already, since another row begins alike; always fewer than all.
     *
     * @param reach tokens that the row may come to have
     */
    public int shared(int[] tokens, int reach) {
        return cache.ledger().shared(kind(reach), tokens);
    }

    /**
     * What a row would be the first to compute, to be compared with what another would; null where that is too short to be
     * shared.
     */
    public @Nullable Object firstMissing(int[] tokens, int reach) {
        return cache.ledger().firstMissing(kind(reach), tokens);
    }

    /** Gives an empty slot what {@link #shared} has counted, and room for the rest of the row's first tokens. */
    public void attach(int slot, int[] tokens, int reach) {
        int there = cache.ledger().attach(slot, kind(reach), tokens);
        cache.ledger().extend(slot, there, tokens.length);
    }

    /** Of the pages that can be had now, those that a new row takes with its first tokens. */
    public int wantedPages(int[] tokens, int reach) {
        return cache.ledger().wanted(kind(reach), tokens);
    }

    /** Far rows' keys are turned otherwise. */
    private int kind(int reach) {
        return program.isFar(reach) ? 1 : 0;
    }

    /** The row in a slot has ended, or is to begin again. */
    public void vacate(int slot) {
        cache.ledger().release(slot);
        lengths[slot] = 0;
    }

    /**
     * Has all ranks of the replica do what takes memory; what one of them lacks it for none of them has, and all can go on alike.
     *
     * @throws OutOfDeviceMemoryException on all of them, when the device's memory does not suffice on one
     */
    public void onAllRanks(Runnable allocation) {
        OutOfDeviceMemoryException lacking = null;
        try {
            allocation.run();
        } catch (OutOfDeviceMemoryException e) {
            lacking = e;
        }
        if (replica.least(lacking == null ? 1 : 0) == 0) {
            throw lacking == null ? OutOfDeviceMemoryException.ofAnother() : lacking;
        }
    }

    /**
     * Finds out whether the device has the memory for a {@link #prefill} of these rows, in whose middle a rank of several
     * could not give up; of a rank alone nothing.
     *
     * @throws OutOfDeviceMemoryException when it has not
     */
    public void makeRoom(List<Admission> rows) {
        if (replica.size() > 1 && !device.isCpu()) {
            steps.makeRoom(rows);
        }
    }

    /**
     * Brings prompts, or pieces of them, into their slots in one pass, packed without padding, and chooses the first new
     * token of each prompt that is then complete. Steps between the pieces of a prompt may run over its slot.
     *
     * @param rows those whose prompt is not complete come last; at most {@link #MOST_SCORED} tokens are scored with them
     * @return a token for each complete row, in order; {@link #NO_NUMBER} or {@link #NO_TOKEN} where none could be chosen
     */
    public int[] prefill(List<Admission> rows) {
        return together(() -> prefillOf(rows));
    }

    private int[] prefillOf(List<Admission> rows) {
        List<Admission> complete = bring(rows);
        long[] scored = Admission.scoredTokens(rows);
        scores = scored.length == 0 ? NONE : TokenLogprobs.of(program.scores(scored, complete.size()));
        if (complete.isEmpty()) {
            return new int[0];
        }
        int[] tokens = steps.sampleFirst(complete.size(), kind(complete), edited);
        edited = false;
        memory.sample();
        return tokens;
    }

    /** What is done to the logits that the next {@link #prefill} chooses by: by row, in the order of those that it completes. */
    public void edit(List<LogitEdits> byRow) {
        edited = isEdited(byRow);
    }

    private boolean isEdited(List<LogitEdits> byRow) {
        boolean some = !byRow.stream().allMatch(LogitEdits::isNone);
        if (some) {
            program.edit(byRow);
        }
        return some;
    }

    /** Whether the hidden states of the tokens that the next {@link #prefill} brings are kept, for {@link #states}. */
    public void keepStates(boolean kept) {
        program.keepStates(kept);
    }

    /**
     * Sums of the hidden states after the last norm that the last {@link #prefill} has come to.
     *
     * @param begins of each sum, the first token, counted through all that the rows brought
     * @param ends   the one after the last
     * @return float32 [sums, hidden size]
     */
    public float[][] states(long[] begins, long[] ends) {
        return program.states(begins, ends);
    }

    /**
     * How likely the model held the tokens that were scored with the last {@link #prefill}, row by row, with as many of the
     * likeliest as there is {@linkplain DecoderAllocation#logprobs room} for.
     */
    public TokenLogprobs[] scores() {
        return scores;
    }

    /** Of the tokens that the last prefill chose; to be called where one of its rows is {@linkplain RowSampling#logprobs}. */
    public TokenLogprobs[] firstLogprobs() {
        return TokenLogprobs.of(program.firstLogprobs());
    }

    /** The logits of the first new token of each prompt, float32 [rows, vocabulary]; slots are as after a prefill. */
    public float[][] firstLogits(List<Admission> rows) {
        bring(rows);
        return program.firstLogits();
    }

    /** The logits that the last {@link #prefill} has chosen tokens by; for tests. */
    float[][] firstLogits() {
        return program.firstLogits();
    }

    /** What {@link #firstLogits(List)} gives by the program alone, of rows that it or {@link #prefill} has brought; for tests. */
    float[][] programLogits(List<Admission> rows) {
        program.prefill(rows, rows.size());
        return program.firstLogits();
    }

    /** What {@link #prefill} gives by the program's choice, of whole prompts; for tests. */
    int[] programTokens(List<Admission> rows) {
        return program.sampleFirst(kind(bring(rows)));
    }

    /** {@link CudaStep#shareFrom}. */
    void shareFrom(long bytes) {
        steps.shareFrom(bytes);
    }

    /** {@link CudaStep#sharedItems}. */
    int sharedItems() {
        return steps.sharedItems();
    }

    private static SamplingKind kind(List<Admission> rows) {
        return SamplingKind.of(rows.stream().map(Admission::settings).toArray(RowSampling[]::new));
    }

    /** @return the rows that are then complete */
    private List<Admission> bring(List<Admission> rows) {
        List<Admission> complete = rows.stream().filter(Admission::isComplete).toList();
        for (Admission row : rows) {
            settings[row.slot()] = row.settings();
            lengths[row.slot()] = row.to();
            cache.ledger().extend(row.slot(), row.from(), row.to());
        }
        rows.forEach(row -> cache.ledger().keepWhole(row.slot(), row.from(), row.to()));
        cache.flush();
        program.want(Admission.scoredPlaces(rows));
        steps.prefill(rows, complete.size());
        if (!complete.isEmpty()) {
            program.admit(complete); // while the device computes
        }
        for (Admission row : rows) {
            cache.ledger().publish(row.slot(), kind(row.reach()), row.tokens(), row.to());
        }
        return complete;
    }

    /**
     * Chooses the next tokens of each of the slots 0 to {@code rows - 1}, which must all hold a row with room left. The
     * device is waited for once, at the end.
     *
     * @param steps so many tokens for each slot, at most {@link #LOOKAHEAD}
     * @return by step, a token for each slot; {@link #NO_NUMBER} or {@link #NO_TOKEN} where none could be chosen
     */
    public int[][] step(int rows, int steps) {
        advance(rows, steps);
        return chosen(rows, steps);
    }

    /**
     * {@link #step(int, int)} with edits, which depend on what was chosen. On a GPU the next step's logits are computed while
     * these are found out.
     */
    public int[][] step(int rows, int steps, EditsByStep edits) {
        return together(() -> {
            int longest = grow(rows, steps);
            SamplingKind kind = samplingKind(rows);
            int[][] chosen = new int[steps][];
            for (int step = 0; step < steps; step++) {
                this.steps.forward(rows, longest + step + 1);
                if (step > 0) {
                    chosen[step - 1] = this.steps.chosen(rows);
                }
                boolean edited = isEdited(edits.next(step == 0 ? null : chosen[step - 1]));
                this.steps.choose(rows, longest + step + 1, kind, edited);
            }
            chosen[steps - 1] = this.steps.chosen(rows);
            memory.sample();
            return chosen;
        });
    }

    /**
     * Keys and values will be in pages on CPU too, without which there is no {@link #step(int, Drafts)}; steps then gather them
     * first. To be called before {@link #allocate}.
     */
    public void usePages() {
        if (cache.pageTokens() == 0) {
            cache.pageTokens(KvCache.PAGE_TOKENS);
        }
    }

    /**
     * Chooses the next token of each of the slots 0 to {@code rows - 1}, and those after it as far as drafts are right, in one
     * step. The slots after them, as many as tokens are drafted, must be empty.
     *
     * @param drafts of each row no more than it has room for
     * @return by row
     */
    public List<NextTokens> step(int rows, Drafts drafts) {
        return together(() -> {
            int longest = 0;
            for (int slot = 0; slot < rows; slot++) {
                int end = lengths[slot] + 1 + drafts.byRow().get(slot).length;
                cache.ledger().extend(slot, lengths[slot], end);
                longest = Math.max(longest, end);
            }
            cache.flush();
            program.draft(rows, drafts);
            int all = rows + drafts.count();
            steps.take(all, longest, samplingKind(rows), true);
            List<NextTokens> chosen = drafts.chosen(program.read(1, all));
            int[] right = IntStream.range(0, rows).filter(row -> chosen.get(row).slots().length > 1).toArray();
            program.settle(rows, drafts, DecoderProgram.longs(right), Arrays.stream(right).mapToLong(row -> {
                int[] slots = chosen.get(row).slots();
                return slots[slots.length - 1];
            }).toArray());
            for (int slot = 0; slot < rows; slot++) {
                lengths[slot] += chosen.get(slot).tokens().length;
            }
            memory.sample();
            return chosen;
        });
    }

    /** After what a rank alone can go on, ranks together cannot: the others wait for its terms. */
    private <T> T together(Supplier<T> work) {
        try {
            return work.get();
        } catch (OutOfDeviceMemoryException e) {
            if (replica.size() == 1) {
                throw e;
            }
            throw new ReplicaException("the memory of " + device + " ran out in the middle of a pass that several ranks"
                    + " compute together, which ends the job: give a smaller --batch-size", e);
        }
    }

    /** Hands the device so many more steps of slots 0 to {@code rows - 1} and does not wait for it. */
    public void advance(int rows, int more) {
        together(() -> {
            hand(rows, more);
            return more;
        });
    }

    private void hand(int rows, int more) {
        SamplingKind kind = samplingKind(rows);
        int longest = grow(rows, more);
        for (int step = 1; step <= more; step++) {
            steps.take(rows, longest + step, kind, false);
        }
    }

    private SamplingKind samplingKind(int rows) {
        return SamplingKind.of(Arrays.copyOf(settings, rows));
    }

    /**
     * Slots 0 to {@code rows - 1} come to have so many more tokens.
     *
     * @return tokens of the longest so far
     */
    private int grow(int rows, int more) {
        int longest = Arrays.stream(lengths, 0, rows).max().orElseThrow();
        if (longest + more > cache.capacity()) {
            throw new IllegalStateException("a slot holds " + cache.capacity() + " tokens, not " + (longest + more));
        }
        room(rows, more);
        for (int slot = 0; slot < rows; slot++) {
            lengths[slot] += more;
        }
        return longest;
    }

    /** Makes room for so many steps of slots 0 to {@code rows - 1}. */
    private void room(int rows, int more) {
        for (int slot = 0; slot < rows; slot++) {
            cache.ledger().extend(slot, lengths[slot], lengths[slot] + more);
        }
        cache.flush();
    }

    /**
     * Waits for the device.
     *
     * @return the tokens of the last steps, at most {@link #LOOKAHEAD}, of slots 0 to {@code rows - 1}, which must have
     *         taken part in all of these; by step
     */
    public int[][] chosen(int rows, int steps) {
        int[] flat = program.read(steps, rows);
        memory.sample();
        int[][] tokens = new int[steps][];
        for (int step = 0; step < steps; step++) {
            tokens[step] = Arrays.copyOfRange(flat, step * rows, (step + 1) * rows);
        }
        return tokens;
    }

    /**
     * Of the tokens of the last steps, as {@link #chosen} gives them; to be called where one of those rows was
     * {@linkplain RowSampling#logprobs}.
     */
    public TokenLogprobs[][] logprobs(int rows, int steps) {
        TokenLogprobs[] flat = TokenLogprobs.of(program.readLogprobs(steps, rows));
        TokenLogprobs[][] byStep = new TokenLogprobs[steps][];
        for (int step = 0; step < steps; step++) {
            byStep[step] = Arrays.copyOfRange(flat, step * rows, (step + 1) * rows);
        }
        return byStep;
    }

    /** The next step's logits by what computes steps, float32 [rows, vocabulary]; for tests. */
    float[][] stepLogits(int rows) {
        room(rows, 1);
        return steps.logits(rows, Arrays.stream(lengths, 0, rows).max().orElseThrow() + 1);
    }

    /** {@link DecodeSteps#compare} of the next step. */
    float[][][] compareStep(int rows, int layers) {
        room(rows, 1);
        return steps.compare(rows, Arrays.stream(lengths, 0, rows).max().orElseThrow() + 1, layers);
    }

    /**
     * Takes steps of empty slots, so that the engine has compiled and recorded what steps of so many rows need before
     * somebody waits for them. To be called when no slot is in use; does nothing on CPU, where nothing is compiled.
     *
     * @param longest tokens of the longest row with the first of the steps, as with those to come: which kernels take a
     *                step depends on it
     * @param count   steps, each with a token more
     * @param like    a row whose kind of sampling is made ready
     */
    public void warmUp(int rows, int longest, int count, RowSampling like) {
        if (!device.isCpu()) {
            together(() -> {
                for (int i = 0; i < count; i++) {
                    steps.take(rows, longest + i, SamplingKind.of(like), false);
                }
                return program.read(1, rows);
            });
        }
    }

    /**
     * What the kernels of a step of slots 0 to {@code rows - 1} take, each kind by itself; some steps like it must have been
     * taken. Of ranks that compute together all call it. After it the slots are of no use until the next {@link #allocate}.
     *
     * @throws ModelException when steps are not taken by Lockstep's CUDA kernels
     */
    public List<KernelTime> profile(int rows) {
        int[] tokens = Arrays.copyOf(lengths, rows);
        room(rows, 1);
        long seen = Arrays.stream(tokens).asLongStream().sum() * tokenBytes() / config.layers();
        return steps.profile(rows, Arrays.stream(tokens).max().orElseThrow() + 1,
                samplingKind(rows), seen);
    }

    /**
     * What the launches of a pass take that brings rows in once more that the last {@link #prefill} has.
     *
     * @throws ModelException when prompts do not come in by Lockstep's CUDA kernels
     */
    public List<KernelTime> profilePrompts(List<Admission> rows) {
        return steps.profilePrompts(rows, (int) rows.stream().filter(Admission::isComplete).count());
    }

    /** The row in slot {@code source} goes on in slot {@code target}, which is empty. */
    public void move(int source, int target) {
        settings[target] = settings[source];
        lengths[target] = lengths[source];
        lengths[source] = 0;
        cache.move(source, target, lengths[target]);
        program.moveSlot(source, target);
    }

    /** Frees weights and cache. */
    @Override
    public void close() {
        steps.close();
        program.close();
    }
}
