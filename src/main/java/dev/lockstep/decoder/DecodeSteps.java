package dev.lockstep.decoder;

import java.util.function.Supplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.cuda.CudaException;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.TorchScriptProgram;

/**
 * How a decode step is taken: by the program alone, or on a GPU by kernels of our own, but for the log-probabilities
 * of tokens; called, or recorded once and replayed. All of them give the same tokens up to rounding.
 */
final class DecodeSteps implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeSteps.class);
    private static final String WITHOUT_KERNELS = "decode steps run without kernels of our own";
    private static final String WITHOUT_CHOICE = "tokens are chosen without a kernel of our own";
    // of recorded steps: those that end with the logits
    private static final int NO_CHOICE = -1;

    private final ProgramStep program;
    // null: steps are called one by one
    private final DecodeGraphs graphs;
    // how logits are computed and tokens chosen: by kernels, or by the program from where one of these failed
    private ForwardStep step;
    private Sampler sampler;
    private int slots;
    private boolean refinedSaid;

    /**
     * For a program that has its weights.
     *
     * @param config the model's shapes
     */
    static DecodeSteps of(TorchScriptProgram program, ModelConfig config, Device device, DType dtype,
            Acceleration acceleration) {
        boolean softcap = config.attention().softcap() > 0;
        // the program's attention, where it is not flash attention, depends on the longest row's length
        ProgramStep slow = new ProgramStep(program, dtype != DType.FLOAT32 && !softcap);
        if (device.isCpu()) {
            return new DecodeSteps(slow, slow, slow, null);
        }
        if (softcap) {
            LOG.info("flash attention has no soft cap, which {} needs: attention is computed step by step, slower",
                    config.family());
        }
        // first of all the kernels, since what is recorded depends on them
        ForwardStep step = acceleration.kernels() && CudaStep.fits(config, dtype)
                ? attempt(WITHOUT_KERNELS, () -> new CudaStep(program, config, dtype, acceleration.fp8()), slow)
                : slow;
        Sampler sampler = acceleration.kernels()
                ? attempt(WITHOUT_CHOICE, () -> new CudaSampler(program, config.vocabulary()), slow)
                : slow;
        return new DecodeSteps(slow, step, sampler,
                acceleration.graphs() && step.isRecordable() ? new DecodeGraphs() : null);
    }

    /**
     * @param program what is left when one of the next two fails
     * @param graphs  null where steps are not to be recorded
     */
    DecodeSteps(ProgramStep program, ForwardStep step, Sampler sampler, DecodeGraphs graphs) {
        this.program = program;
        this.step = step;
        this.sampler = sampler;
        this.graphs = graphs;
    }

    /** What the work gives, or the other where a library lacks something or a call of one fails, which is said. */
    private static <T> T attempt(String otherwise, Supplier<? extends T> work, T other) {
        try {
            return work.get();
        } catch (UnsatisfiedLinkError | CudaException e) {
            LOG.warn("{}, which is slower: {}", otherwise, e.getMessage());
            return other;
        }
    }

    /** To be called before the program frees its cache. */
    void free() {
        if (graphs != null) {
            graphs.close();
        }
    }

    /**
     * To be called when the program has allocated its cache.
     *
     * @param endTokens end tokens of each row that it has room for
     */
    void allocate(int slots, int capacity, int endTokens) {
        this.slots = slots;
        if (!isProgram()) {
            program.program().integer("allocate_logits", slots);
        }
        step.allocate(slots, capacity);
        sampler.allocate(slots, capacity, endTokens);
    }

    private boolean isProgram() {
        return step == program && sampler == program;
    }

    /** Bytes of the device's memory that recorded steps hold. */
    long graphBytes() {
        return graphs == null ? 0 : graphs.bytes();
    }

    /**
     * Hands one step of slots 0 to {@code rows - 1} to the device and does not wait for it.
     *
     * @param longest tokens of the longest row with this step's
     * @param kind    what some row needs
     * @param edited  the program has edits for this step's logits, which a recorded choice would not see
     */
    void take(int rows, int longest, ChoiceKind kind, boolean edited) {
        if (graphs == null || edited && isProgram()) {
            call(rows, longest, kind, edited);
            return;
        }
        int bucket = DecodeGraphs.bucket(rows, slots);
        int variant = step.variant(bucket, longest);
        if (edited) {
            graphs.step(bucket, NO_CHOICE, variant, () -> run(bucket, longest));
            choose(bucket, kind, true);
        } else {
            graphs.step(bucket, kind.number(), variant, () -> call(bucket, longest, kind, false));
        }
    }

    private void call(int rows, int longest, ChoiceKind kind, boolean edited) {
        if (isProgram()) {
            program.runAndChoose(rows, longest, kind);
        } else {
            run(rows, longest);
            choose(rows, kind, edited);
        }
    }

    private void run(int rows, int longest) {
        ForwardStep worked = attempt(WITHOUT_KERNELS, () -> {
            step.run(rows, longest);
            return step;
        }, program);
        if (worked != step) {
            step = program;
            if (graphs != null && !program.isRecordable()) {
                graphs.giveUp("steps of this kind take kernels of our own to be recorded");
            }
            program.run(rows, longest);
        }
    }

    private void choose(int rows, ChoiceKind kind, boolean edited) {
        if (kind.refined() && sampler != program && !refinedSaid) {
            refinedSaid = true;
            LOG.info(
                    "tokens of rows with typical_p, epsilon_cutoff or eta_cutoff are chosen without a kernel of our own, "
                            + "which is slower");
        }
        if (sampler.fits(kind)) {
            Sampler worked = attempt(WITHOUT_CHOICE, () -> {
                sampler.choose(rows, kind, edited);
                return sampler;
            }, program);
            if (worked == sampler) {
                return;
            }
            sampler = program;
        }
        program.choose(rows, kind, edited);
    }

    /**
     * The residual stream of rows 0 to {@code rows - 1} after so many layers of the next step, by the program and by our
     * own kernels, in that order; for tests.
     *
     * @param layers -1 for the logits after all of them
     */
    float[][][] compare(int rows, int longest, int layers) {
        TorchScriptProgram program = this.program.program();
        if (layers < 0) {
            step.run(rows, longest);
            return new float[][][]{program.floats("program_logits", rows, longest),
                    program.floats("step_logits_of", rows)};
        }
        ((CudaStep) step).runLayers(rows, longest, layers);
        return new float[][][]{program.floats("program_hidden", rows, longest, layers),
                program.floats("step_hidden", rows)};
    }

    @Override
    public void close() {
        free();
        step.close();
    }
}
