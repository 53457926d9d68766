package dev.lockstep.decoder;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

import ai.djl.util.Utils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaException;
import dev.lockstep.cuda.CudaGraph;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.cuda.Readback;
import dev.lockstep.decoder.Acceleration.SameText;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;

/**
 * How a decode step is taken: by the program alone, or on a GPU by kernels of our own, but for the log-probabilities
 * of tokens; called, or recorded once and replayed. All of them give the same tokens up to rounding.
 */
final class DecodeSteps implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeSteps.class);
    private static final String WITHOUT_KERNELS = "decode steps are slower, without Lockstep's CUDA kernels";
    private static final String SLOWER_PROMPTS = "prompts are brought in slower, without Lockstep's CUDA kernels";
    private static final String WITHOUT_SAMPLING = "sampling is slower, without Lockstep's CUDA kernel";
    private static final String IN_4_BITS = "weights that stay in 4 bits need";
    private static final String WITHOUT_INT4 = "leave out --quantize int4, or give --quantize none, and weights are in 16 bits.";
    private static final String SAME_TEXT = "--same-text on needs";
    private static final String WITHOUT_SAME_TEXT = "leave it out.";
    // of recorded steps: those that end with the logits
    private static final int NO_SAMPLING = -1;

    /** What computes with kernels of our own; without a way to bring prompts in where that needs what the program lacks. */
    private record Own(ForwardStep step, @Nullable CudaPrefill prefill) {}

    private final ProgramStep program;
    // what only kernels can compute is not left to the program where one fails, nor what other ranks go on with
    private final boolean kernelsAlone;
    private final @Nullable ShardedPass sharded;
    // null: steps are called one by one
    private final @Nullable DecodeGraphs graphs;
    // how logits are computed and tokens chosen: by kernels, or by the program from where one of these failed
    private @Nullable CudaPrefill prefill;
    private ForwardStep step;
    private Sampler sampler;
    private int slots;
    // null: not needed yet, or the program takes steps in one piece
    private @Nullable Readback readback;
    private boolean refinedSaid;

    /**
     * For a program that has its weights.
     *
     * @param shard    what the program has of the model
     * @param kept     how the weights of its layers' products are
     * @param sameText {@link #isSameText}
     * @throws ModelException when these are such that only kernels can compute with them, or only kernels give the same text,
     *                        and there are none
     */
    static DecodeSteps of(DecoderProgram program, KvCache cache, Shard shard, Device device, DType dtype,
            Acceleration acceleration, Weights kept, boolean sameText, Replica replica) {
        ModelConfig config = shard.part();
        boolean softcap = config.attention().softcap() > 0;
        // the program's attention, where it is not flash attention, depends on the longest row's length
        ProgramStep slow = new ProgramStep(program, dtype != DType.FLOAT32 && !softcap);
        ShardedPass sharded = replica.size() == 1 ? null : new ShardedPass(program, replica, shard);
        ForwardStep step = sharded == null ? slow : sharded;
        if (device.isCpu()) {
            return new DecodeSteps(slow, sharded != null, sharded, null, step, slow, null);
        }
        if (softcap) {
            LOG.info("flash attention has no soft cap, which {} needs: prompts' is computed step by step, slower",
                    config.family());
        }
        boolean demanded = sameText && acceleration.sameText() == SameText.ON;
        Int4Products int4 = null;
        CudaPrefill prefill = null;
        Sampler sampler = slow;
        if (acceleration.kernels()) {
            Path directory = Utils.getEngineCacheDir().resolve("kernels");
            Optional<KernelCompiler> compiler = attempt(WITHOUT_KERNELS, () -> {
                if (!acceleration.graphs()) {
                    CudaGraph.usePoolStream(); // cuBLASLt's algorithms are timed as graphs all the same
                }
                return Optional.of(new KernelCompiler(directory));
            }, Optional.empty());
            if (replica.least(compiler.isPresent() ? 1 : 0) == 1) {
                KernelCompiler one = compiler.orElseThrow();
                if (kept == Weights.INT4) {
                    int4 = needed(IN_4_BITS, WITHOUT_INT4, () -> new Int4Products(program, config, dtype, one));
                }
                Int4Products products = int4;
                boolean flash = DecoderProgram.hasFlashAttention(config, dtype, device);
                CudaLayers.Beside beside = flash
                        ? CudaLayers.Beside.of(replica, (long) config.hidden() * dtype.bytes())
                        : null;
                Supplier<Own> own = () -> {
                    CudaLayers layers = new CudaLayers(program, shard, dtype, kept == Weights.FP8, products,
                            cache.isFp8(), sameText, replica, one);
                    CudaStep steps = new CudaStep(program, cache, shard, dtype, layers, replica, directory);
                    return new Own(steps,
                            flash
                                    ? new CudaPrefill(program, cache, shard, dtype, layers, replica, beside, steps,
                                            CudaStep.WORKSPACE_BYTES)
                                    : null);
                };
                Own none = new Own(step, null);
                Own made = int4 != null
                        ? needed(IN_4_BITS, WITHOUT_INT4, own)
                        : demanded
                                ? needed(SAME_TEXT, WITHOUT_SAME_TEXT, own)
                                : CudaLayers.fits(config, dtype)
                                        ? attempt(WITHOUT_KERNELS, own, none)
                                        : none;
                // on all ranks or on none
                made = replica.least(made.step instanceof CudaStep ? 1 : 0) == 0 ? none : made;
                step = made.step;
                prefill = made.prefill;
                sampler = attempt(WITHOUT_SAMPLING,
                        () -> new CudaSampler(program, shard.whole().vocabulary(), PeerRows.of(replica), one), slow);
                sampler = replica.least(sampler instanceof CudaSampler ? 1 : 0) == 0 ? slow : sampler;
                one.report();
            }
        }
        if (kept == Weights.INT4 && int4 == null) {
            throw new ModelException(IN_4_BITS + " Lockstep's CUDA kernels, which this host cannot compile: "
                    + WITHOUT_INT4);
        }
        if (demanded && prefill == null) {
            throw new ModelException(SAME_TEXT + " Lockstep's CUDA kernels, which this host cannot compile: "
                    + WITHOUT_SAME_TEXT);
        }
        // last of all, since what is recorded depends on the kernels
        return new DecodeSteps(slow, int4 != null || demanded || sharded != null, sharded, prefill, step, sampler,
                acceleration.graphs() && step.isRecordable() ? new DecodeGraphs() : null);
    }

    /**
     * @param program      what is left when what computes prompts or steps fails
     * @param kernelsAlone what they compute the program cannot: with weights that stay in 4 bits, or the same bits; or other
     *                     ranks go on with what has failed here
     * @param sharded      how prompts are brought in by ranks together, if not by kernels; null for a rank alone
     * @param prefill      how prompts are brought in, if not by the program
     * @param graphs       null where steps are not to be recorded
     */
    DecodeSteps(ProgramStep program, boolean kernelsAlone, @Nullable ShardedPass sharded,
            @Nullable CudaPrefill prefill, ForwardStep step, Sampler sampler, @Nullable DecodeGraphs graphs) {
        this.program = program;
        this.kernelsAlone = kernelsAlone;
        this.sharded = sharded;
        this.prefill = prefill;
        this.step = step;
        this.sampler = sampler;
        this.graphs = graphs;
    }

    /** What the work gives, or the other where a library lacks something or a call of one fails, which is said. */
    private static <T> T attempt(String otherwise, Supplier<? extends T> work, T other) {
        try {
            return work.get();
        } catch (UnsatisfiedLinkError | CudaException e) {
            LOG.warn("{}: {}", otherwise, e.getMessage());
            return other;
        }
    }

    /** What the work gives, without which something else is of no use. */
    private static <T> T needed(String need, String otherwise, Supplier<? extends T> work) {
        try {
            return work.get();
        } catch (UnsatisfiedLinkError | CudaException e) {
            throw new ModelException(
                    need + " Lockstep's CUDA kernels, which fail here (" + e.getMessage() + "): " + otherwise, e);
        }
    }

    /**
     * Whether a row's logits are to be the same bits whatever rows are beside it.
     *
     * @param kept    how weights are to be
     * @param replica the ranks that compute the model together
     * @throws ModelException when that is asked for and cannot be had
     */
    static boolean isSameText(ModelConfig config, Device device, DType dtype, Acceleration acceleration, Weights kept,
            Replica replica) {
        // a mixture's narrow layers would pay a fifth for it where rows are few
        boolean asked = acceleration.sameText() == SameText.ON
                || acceleration.sameText() == SameText.WHERE_POSSIBLE && config.experts() == null;
        if (!asked || dtype == DType.FLOAT32) {
            return false;
        }
        String why = null;
        if (device.isCpu()) {
            why = "float32 on CPU: leave out --dtype";
        } else if (kept == Weights.INT4) {
            why = "weights in 16 bits or fp8: give --quantize none, or leave it out";
        } else if (!replica.isOrdered()) {
            why = "GPUs of one host that reach each other's memory, where a model is on more than two: give"
                    + " --tensor-parallel 2, or leave it out";
        } else if (!acceleration.kernels()) {
            why = "Lockstep's CUDA kernels: leave out --kernels off";
        } else if (!CudaLayers.fits(config, dtype)) {
            why = "Lockstep's CUDA kernels, which do not compute this model so: leave it out";
        } else if (!DecoderProgram.hasFlashAttention(config, dtype, device)) {
            why = "flash attention, which has no soft cap, and " + config.family() + " needs one: leave it out";
        }
        if (why != null && acceleration.sameText() == SameText.ON) {
            throw new ModelException(SAME_TEXT + " " + why);
        }
        return why == null;
    }

    /**
     * Of the device's memory, which a pass over so many prompt tokens takes while it runs; {@link Long#MAX_VALUE} where that
     * is libtorch's affair.
     */
    long prefillBytes(int tokens) {
        return prefill == null ? Long.MAX_VALUE : prefill.bytes(tokens);
    }

    /** {@link Decoder#makeRoom}; where kernels do not bring prompts in nobody knows what a pass takes. */
    void makeRoom(List<Admission> rows) {
        if (prefill != null) {
            prefill.makeRoom(rows);
        }
    }

    /** {@link DecoderProgram#prefill}. */
    void prefill(List<Admission> rows, int complete) {
        CudaPrefill own = prefill;
        if (own == null && sharded != null) {
            sharded.prefill(rows, complete);
        } else if (own == null) {
            program.program().prefill(rows, complete);
        } else if (kernelsAlone) {
            own.run(rows, complete);
        } else if (!attempt(SLOWER_PROMPTS, () -> {
            own.run(rows, complete);
            return true;
        }, false)) {
            prefill = null;
            program.program().prefill(rows, complete);
        }
    }

    /**
     * Chooses the first token of each row that the last {@link #prefill} has completed, and waits for them.
     *
     * @param edited the program has edits for their logits
     */
    int[] sampleFirst(int complete, SamplingKind kind, boolean edited) {
        return sampler instanceof CudaSampler own && !edited && isSampled(kind, () -> own.sampleFirst(complete, kind))
                ? program.program().firstTokens()
                : program.program().sampleFirst(kind);
    }

    /** Whether the sampler does this work of its own; where it fails the program is it from now on. */
    private boolean isSampled(SamplingKind kind, Runnable work) {
        if (!sampler.fits(kind)) {
            return false;
        }
        boolean done = attempt(WITHOUT_SAMPLING, () -> {
            work.run();
            return true;
        }, false);
        sampler = done ? sampler : program;
        return done;
    }

    /** To be called before the cache is freed. */
    void free() {
        if (graphs != null) {
            graphs.close();
        }
        program.program().freeStep();
        forgetReadback();
    }

    private void forgetReadback() {
        if (readback != null) {
            readback.close();
            readback = null;
        }
    }

    /** To be called when the program has allocated its cache and slots. */
    void allocate(DecoderAllocation size) {
        slots = size.slots();
        if (!isProgram()) {
            program.program().allocateLogits(slots);
        }
        step.allocate(size);
        if (prefill != null) {
            prefill.allocate();
        }
        sampler.allocate(size);
    }

    private boolean isProgram() {
        return step == program && sampler == program;
    }

    /** Bytes of the device's memory that recorded steps hold. */
    long graphBytes() {
        return graphs == null ? 0 : graphs.bytes();
    }

    /** Seconds that recording steps took, of those that are forgotten too. */
    double graphSeconds() {
        return graphs == null ? 0 : graphs.seconds();
    }

    /**
     * Hands one step of slots 0 to {@code rows - 1} to the device and does not wait for it.
     *
     * @param longest tokens of the longest row with this step's
     * @param kind    what some row needs
     * @param drafted some rows stand for later tokens of others
     */
    void take(int rows, int longest, SamplingKind kind, boolean drafted) {
        if (step instanceof CudaStep own) {
            own.drafted(drafted);
        }
        if (graphs == null) {
            call(rows, longest, kind);
            return;
        }
        int bucket = DecodeGraphs.bucket(rows, slots);
        graphs.step(bucket, kind.number(), step.variant(bucket, longest), () -> call(bucket, longest, kind));
    }

    private void call(int rows, int longest, SamplingKind kind) {
        if (isProgram()) {
            program.runAndSample(rows, longest, kind);
        } else if (step instanceof CudaStep own && sampler instanceof CudaSampler best && best.fitsParts(rows, kind)) {
            long part = own.runPart(rows, longest);
            best.sampleParts(rows, kind, part, own.firstToken(), own.tokens());
        } else {
            run(rows, longest);
            sample(rows, kind, false);
        }
    }

    /**
     * The first half of a step whose logits are edited, which may be handed over before it is known how; nothing where the
     * program takes steps in one piece.
     */
    void forward(int rows, int longest) {
        if (isProgram()) {
            return;
        }
        if (step instanceof CudaStep own) {
            own.drafted(false);
        }
        if (graphs == null) {
            run(rows, longest);
        } else {
            int bucket = DecodeGraphs.bucket(rows, slots);
            graphs.step(bucket, NO_SAMPLING, step.variant(bucket, longest), () -> run(bucket, longest));
        }
    }

    /**
     * The second half, after {@link #forward} of the same.
     *
     * @param edited the program has edits for this step's logits, which a recorded choice would not see
     */
    void choose(int rows, int longest, SamplingKind kind, boolean edited) {
        if (isProgram()) {
            program.runAndSample(rows, longest, kind);
            forgetReadback();
            return;
        }
        sample(graphs == null ? rows : DecodeGraphs.bucket(rows, slots), kind, edited);
        if (readback == null) {
            readback = new Readback(slots);
        }
        long newest = program.program().stateAddress("chosen", ScalarType.INT64)
                + (DecoderProgram.TOKENS_KEPT - 1L) * slots * Long.BYTES;
        readback.order(CudaDriver.stream(), newest, rows);
    }

    /** The tokens that {@link #choose} has chosen last; where that can be, what was handed over since is not waited for. */
    int[] chosen(int rows) {
        return readback == null
                ? program.program().read(1, rows)
                : Arrays.stream(readback.await(rows)).mapToInt(Math::toIntExact).toArray();
    }

    private void run(int rows, int longest) {
        if (kernelsAlone) {
            step.run(rows, longest);
            return;
        }
        ForwardStep worked = attempt(WITHOUT_KERNELS, () -> {
            step.run(rows, longest);
            return step;
        }, program);
        if (worked != step) {
            step = program;
            if (graphs != null && !program.isRecordable()) {
                graphs.giveUp("steps of this kind can be recorded with Lockstep's kernels only");
            }
            program.run(rows, longest);
        }
    }

    private void sample(int rows, SamplingKind kind, boolean edited) {
        if (kind.refined() && sampler != program && !refinedSaid) {
            refinedSaid = true;
            LOG.info(
                    "rows with typical_p, epsilon_cutoff or eta_cutoff are sampled without Lockstep's CUDA kernel, "
                            + "which is slower");
        }
        if (!isSampled(kind, () -> sampler.sample(rows, kind, edited))) {
            program.sample(rows, kind, edited);
        }
    }

    /**
     * {@link StepProfile#measure} of a step like the last ones.
     *
     * @param seen bytes of keys and values that a layer's attention reads
     * @throws ModelException when steps are not taken by kernels of our own, and recorded
     */
    List<KernelTime> profile(int rows, int longest, SamplingKind kind, long seen) {
        if (graphs == null || !(step instanceof CudaStep own)) {
            throw notProfiled();
        }
        int bucket = DecodeGraphs.bucket(rows, slots);
        return own.profile(bucket, seen).measure(() -> call(bucket, longest, kind));
    }

    /**
     * {@link StepProfile#timed} of a pass that brings prompts in.
     *
     * @throws ModelException when it is not made by kernels of our own
     */
    List<KernelTime> profilePrompts(List<Admission> rows, int complete) {
        int tokens = Admission.brought(rows);
        if (prefill == null) {
            throw notProfiled();
        }
        return prefill.profile(tokens).timed(() -> prefill(rows, complete));
    }

    private static ModelException notProfiled() {
        return new ModelException("only steps that Lockstep's CUDA kernels take, and that are recorded, can be measured"
                + " kernel by kernel: give no --kernels off and no --graphs off, or leave out --profile");
    }

    /** The logits of rows 0 to {@code rows - 1} in the next step, by our own kernels; for tests. */
    float[][] logits(int rows, int longest) {
        step.run(rows, longest);
        return program.program().stepLogits(rows);
    }

    /** {@link CudaStep#shareFrom}; where there are no kernels, nothing. */
    void shareFrom(long bytes) {
        if (step instanceof CudaStep own) {
            own.shareFrom(bytes);
        }
    }

    /** {@link CudaStep#sharedItems}. */
    int sharedItems() {
        return step instanceof CudaStep own ? own.sharedItems() : 0;
    }

    /**
     * The residual stream of rows 0 to {@code rows - 1} after so many layers of the next step, by the program and by our
     * own kernels, in that order; for tests.
     *
     * @param layers -1 for the logits after all of them
     */
    float[][][] compare(int rows, int longest, int layers) {
        DecoderProgram program = this.program.program();
        if (layers < 0) {
            float[][] own = logits(rows, longest);
            return new float[][][]{program.programLogits(rows, longest), own};
        }
        ((CudaStep) step).runLayers(rows, longest, layers);
        return new float[][][]{program.programHidden(rows, longest, layers),
                program.stepHidden(rows)};
    }

    @Override
    public void close() {
        if (graphs != null) {
            graphs.close();
        }
        forgetReadback();
        step.close();
        if (prefill != null) {
            prefill.close();
        }
    }
}
