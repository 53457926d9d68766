package dev.lockstep.model;

import java.util.function.Supplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.model.cuda.CudaException;

/**
 * How a decode step is taken: by the program alone, or on a GPU by kernels of our own, but for the log-probabilities
 * of tokens; called, or recorded once and replayed. All of them give the same tokens up to rounding.
 */
final class DecodeSteps implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeSteps.class);
    private static final String WITHOUT_KERNELS = "decode steps run without kernels of our own";
    private static final String WITHOUT_CHOICE = "tokens are chosen without a kernel of our own";

    private final TorchScriptProgram program;
    // null: steps are called one by one
    private final DecodeGraphs graphs;
    // null: the program computes all of a step
    private KernelStep kernels;
    // null: the program chooses tokens
    private TokenChoice choice;
    private int slots;

    /**
     * For a program that has its weights.
     *
     * @param config the model's shapes
     */
    DecodeSteps(TorchScriptProgram program, ModelConfig config, String device, DType dtype, Acceleration acceleration) {
        this.program = program;
        boolean gpu = !device.equals("cpu");
        boolean kernelsFit = gpu && acceleration.kernels() && KernelStep.fits(config, dtype);
        boolean softcap = config.attention().softcap() > 0;
        if (softcap && gpu) {
            LOG.info("flash attention has no soft cap, which {} needs: attention is computed step by step, slower",
                    config.family());
        }
        // the program's attention, where it is not flash attention, depends on the longest row's length, which a recorded
        // step cannot
        graphs = gpu && acceleration.graphs() && (kernelsFit || dtype != DType.FLOAT32 && !softcap)
                ? new DecodeGraphs()
                : null;
        kernels = kernelsFit
                ? attempt(WITHOUT_KERNELS, () -> new KernelStep(program, config, dtype, acceleration.fp8()))
                : null;
        if (kernelsFit && kernels == null && graphs != null && dtype == DType.FLOAT32) {
            graphs.giveUp("steps of this type take kernels of our own to be recorded");
        }
        choice = gpu && acceleration.kernels()
                ? attempt(WITHOUT_CHOICE, () -> new TokenChoice(program, config.vocabulary()))
                : null;
    }

    /** What the work gives, or null where a library lacks something or a call of one fails, which is said. */
    private static <T> T attempt(String otherwise, Supplier<T> work) {
        try {
            return work.get();
        } catch (UnsatisfiedLinkError | CudaException e) {
            LOG.warn("{}, which is slower: {}", otherwise, e.getMessage());
            return null;
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
        if (kernels != null || choice != null) {
            program.integer("allocate_logits", slots);
        }
        if (kernels != null) {
            kernels.allocate(slots, capacity);
        }
        if (choice != null) {
            choice.allocate(slots, capacity, endTokens);
        }
    }

    /** Bytes of the device's memory that recorded steps hold. */
    long graphBytes() {
        return graphs == null ? 0 : graphs.bytes();
    }

    /**
     * Hands one step of slots 0 to {@code rows - 1} to the device and does not wait for it.
     *
     * @param longest  tokens of the longest row with this step's
     * @param sampling what some row needs, as the program's {@code choose} takes it
     */
    void take(int rows, int longest, boolean... sampling) {
        if (graphs == null) {
            call(rows, longest, sampling);
            return;
        }
        int kind = 0;
        for (boolean flag : sampling) {
            kind = 2 * kind + (flag ? 1 : 0);
        }
        int bucket = DecodeGraphs.bucket(rows, slots);
        graphs.step(bucket, kind, kernels == null ? 0 : kernels.variant(bucket, longest),
                () -> call(bucket, longest, sampling));
    }

    private void call(int rows, int longest, boolean... sampling) {
        if (kernels == null && choice == null) {
            program.integer("decode", rows, longest, sampling[0], sampling[1], sampling[2], sampling[3], sampling[4]);
            return;
        }
        if (kernels != null) {
            kernels = attempt(WITHOUT_KERNELS, () -> {
                kernels.run(rows, longest);
                return kernels;
            });
        }
        if (kernels == null) {
            program.integer("decode_logits", rows, longest);
        }
        boolean chosen = choice != null && TokenChoice.fits(sampling);
        if (chosen) {
            choice = attempt(WITHOUT_CHOICE, () -> {
                choice.run(rows, sampling);
                return choice;
            });
        }
        if (!chosen || choice == null) {
            program.integer("choose_step", rows, sampling[0], sampling[1], sampling[2], sampling[3], sampling[4]);
        }
    }

    /**
     * The residual stream of rows 0 to {@code rows - 1} after so many layers of the next step, by the program and by our
     * own kernels, in that order; for tests.
     *
     * @param layers -1 for the logits after all of them
     */
    float[][][] compare(int rows, int longest, int layers) {
        if (layers < 0) {
            kernels.run(rows, longest);
            return new float[][][]{program.floats("program_logits", rows, longest),
                    program.floats("step_logits_of", rows)};
        }
        kernels.runLayers(rows, longest, layers);
        return new float[][][]{program.floats("program_hidden", rows, longest, layers),
                program.floats("step_hidden", rows)};
    }

    @Override
    public void close() {
        free();
        if (kernels != null) {
            kernels.close();
        }
    }
}
