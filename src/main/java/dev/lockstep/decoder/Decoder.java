package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.DeviceMemory;

/**
 * A transformer with its weights, its key-value cache and the rows that are being generated, on one device. It is driven
 * in steps: {@link #allocate}, then {@link #prefill} brings prompts into slots and chooses their first tokens, and each
 * {@link #step} chooses one more for slots 0 to n - 1. Slots in use are kept without holes by {@link #move}.
 *
 * <p>All computation is in the TorchScript program that begins in {@code decoder.torchscript} beside this class, but for
 * what {@link CudaStep} and {@link CudaSampler} take over on a GPU. Not safe for use by several threads.
 */
public final class Decoder implements AutoCloseable {
    /**
     * The most steps that {@link #step} takes at once. The driver holds only so many launches: with 16 recorded steps of
     * some 300 each the last one waits, turning on a core, until the first is done.
     */
    public static final int LOOKAHEAD = DecoderProgram.TOKENS_KEPT;

    /** So many steps that take the same kernels are compiled and recorded for good. */
    public static final int STEPS_TO_RECORD = 6;

    /** In the place of a token: the row's logits are no finite numbers. */
    public static final int NO_NUMBER = -1;

    /** In the place of a token: every token is ruled out. */
    public static final int NO_TOKEN = -2;

    private static final int FP8_WIDTH = 16;
    private static final int FIRST_WITH_FP8 = 89;

    private final ModelConfig config;
    private final Device device;
    private final DeviceMemory memory;
    private final DType dtype;
    private final DecoderProgram program;
    private final KvCache cache;
    private final DecodeSteps steps;
    // by slot
    private RowSampling[] settings = {};
    private int[] lengths = {};
    // the program has edits for the next choice
    private boolean edited;

    private Decoder(ModelConfig config, Device device, DType dtype, Acceleration acceleration, boolean storedInFp8,
            BiConsumer<DecoderProgram, Boolean> weights) {
        this.config = config;
        this.device = device;
        this.memory = new DeviceMemory(device);
        this.dtype = dtype;
        this.program = DecoderProgram.load(device);
        this.cache = new KvCache(program, config, dtype);
        program.configure(config, dtype, device);
        boolean fp8 = switch (acceleration.weights()) {
            case WIDE -> false;
            case AS_STORED -> storedInFp8 && withoutFp8().isEmpty();
            case FP8 -> true;
        };
        if (fp8) {
            withoutFp8().ifPresent(reason -> {
                throw new ModelException(reason);
            });
            program.useFp8();
        }
        weights.accept(program, fp8);
        this.steps = DecodeSteps.of(program, cache, config, device, dtype, acceleration, fp8);
    }

    /** Why products cannot be in fp8, if so. */
    private Optional<String> withoutFp8() {
        if (device.isCpu() || dtype != DType.BFLOAT16) {
            return Optional.of("fp8 weights need a GPU and bfloat16, not " + device + " and " + dtype);
        }
        if (IntStream.of(config.hidden(), config.intermediate(), config.heads() * config.headDim(),
                config.kvHeads() * config.headDim()).anyMatch(width -> width % FP8_WIDTH != 0)) {
            return Optional.of("fp8 products take widths that are multiples of " + FP8_WIDTH + ", which those of "
                    + config.family() + " here are not");
        }
        // the driver knows of the device once something lies there
        program.allocateWorkspace(1);
        int architecture = CudaDriver.architecture();
        return architecture >= FIRST_WITH_FP8
                ? Optional.empty()
                : Optional.of(String.format(Locale.ROOT,
                        "fp8 products need a GPU of compute capability 8.9 or later (L4, L40, H100 and newer), and this"
                                + " one has %.1f: leave out --quantize fp8, and weights are in bfloat16.",
                        architecture / 10.0));
    }

    /**
     * Loads a model's weights. On CPU, weights stored in {@code dtype} stay mapped into memory and are not copied;
     * others, which are converted, are packed for faster products where {@code dtype} is float32. Weights in fewer bits
     * are made numbers of {@code dtype} one at a time, but for fp8 that products on a GPU take as it is.
     *
     * @param dtype the type to compute in; norms, rotations and sampling are in float32 always
     * @throws ModelException                                when the model cannot be computed in fp8
     * @throws dev.lockstep.djl.LibraryException             when the PyTorch engine cannot be loaded
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when the device's memory does not hold the weights
     */
    public static Decoder load(Checkpoint checkpoint, Device device, DType dtype, Acceleration acceleration) {
        return new Decoder(checkpoint.config(), device, dtype, acceleration, checkpoint.isFp8ByRow(),
                (program, fp8) -> new CheckpointWeights(program, checkpoint, device, dtype, fp8).place());
    }

    /** A model of random weights, for measuring shapes of which there is no checkpoint. */
    public static Decoder random(ModelConfig config, Device device, DType dtype, Acceleration acceleration) {
        return new Decoder(config, device, dtype, acceleration, false,
                (program, fp8) -> RandomWeights.place(program, config));
    }

    /** The model's shapes. */
    public ModelConfig config() {
        return config;
    }

    /** What it is on. */
    public Device device() {
        return device;
    }

    /** The type it computes in. */
    public DType dtype() {
        return dtype;
    }

    /** Memory of the device, whose peak is kept from the first {@link #allocate} on. */
    public DeviceMemory memory() {
        return memory;
    }

    /** Bytes of the device's memory that recorded steps hold. */
    public long graphBytes() {
        return steps.graphBytes();
    }

    /** Bytes of key-value cache that one slot of this many tokens takes. */
    public long slotBytes(int capacity) {
        return cache.slotBytes(capacity);
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
        cache.allocate(size.slots(), size.capacity());
        program.allocateSlots(size, config.vocabulary());
        steps.allocate(size);
        memory.sample();
    }

    /**
     * A row that comes into a slot, or a piece of it.
     *
     * @param prompt   its tokens, at least one
     * @param from     the first of them to be brought now; those before it have been
     * @param to       the one after the last
     * @param settings how to choose its tokens
     */
    public record Admission(int slot, int[] prompt, int from, int to, RowSampling settings) {
        /** The whole prompt. */
        public Admission(int slot, int[] prompt, RowSampling settings) {
            this(slot, prompt, 0, prompt.length, settings);
        }

        private boolean isComplete() {
            return to == prompt.length;
        }
    }

    /**
     * Brings prompts, or pieces of them, into their slots in one pass, packed without padding, and chooses the first new
     * token of each prompt that is then complete. Steps between the pieces of a prompt may run over its slot.
     *
     * @param rows those whose prompt is not complete come last
     * @return a token for each complete row, in order; {@link #NO_NUMBER} or {@link #NO_TOKEN} where none could be chosen
     */
    public int[] prefill(List<Admission> rows) {
        bring(rows);
        RowSampling[] complete = rows.stream().filter(Admission::isComplete).map(Admission::settings)
                .toArray(RowSampling[]::new);
        if (complete.length == 0) {
            return new int[0];
        }
        edited = false;
        int[] tokens = program.sampleFirst(SamplingKind.of(complete));
        memory.sample();
        return tokens;
    }

    /**
     * What the next choice, and it alone, does to the logits: by row, in the order of the next prefill's complete rows or
     * of the slots of the next step, which may then be one step only.
     */
    public void edit(List<LogitEdits> byRow) {
        program.edit(byRow);
        edited = true;
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

    private void bring(List<Admission> rows) {
        int complete = 0;
        for (Admission row : rows) {
            settings[row.slot()] = row.settings();
            lengths[row.slot()] = row.to();
            if (row.isComplete()) {
                complete++;
                program.admit(row.slot(), row.settings(), row.prompt());
            }
        }
        program.prefill(rows, complete);
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

    /** Hands the device so many more steps of slots 0 to {@code rows - 1} and does not wait for it. */
    public void advance(int rows, int more) {
        RowSampling[] active = Arrays.copyOf(settings, rows);
        int longest = Arrays.stream(lengths, 0, rows).max().orElseThrow();
        if (longest + more > cache.capacity()) {
            throw new IllegalStateException("a slot holds " + cache.capacity() + " tokens, not " + (longest + more));
        }
        SamplingKind kind = SamplingKind.of(active);
        if (edited && more != 1) {
            throw new IllegalStateException("edits are for one step, not for " + more);
        }
        for (int step = 1; step <= more; step++) {
            steps.take(rows, longest + step, kind, edited);
        }
        edited = false;
        for (int slot = 0; slot < rows; slot++) {
            lengths[slot] += more;
        }
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

    /** {@link DecodeSteps#compare} of the next step. */
    float[][][] compareStep(int rows, int layers) {
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
            for (int i = 0; i < count; i++) {
                steps.take(rows, longest + i, SamplingKind.of(like), false);
            }
            program.read(1, rows);
        }
    }

    /**
     * Copies gigabytes within the device's memory, some times over, and waits for the end.
     *
     * @return bytes read and written by one call
     */
    public long copyGigabytes(int gigabytes, int times) {
        return program.copyGigabytes(gigabytes, times);
    }

    /** The row in slot {@code source} goes on in slot {@code target}. */
    public void move(int source, int target) {
        settings[target] = settings[source];
        lengths[target] = lengths[source];
        cache.move(source, target);
        program.moveSlot(source, target);
    }

    /** Frees weights and cache. */
    @Override
    public void close() {
        steps.close();
        program.close();
    }
}
