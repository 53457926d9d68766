package dev.lockstep.model;

import java.util.List;

import dev.lockstep.model.cuda.CudaDriver;
import dev.lockstep.model.cuda.Kernel;
import dev.lockstep.model.cuda.KernelCompiler;

/**
 * The choice of each row's next token from the logits of a step, by one kernel ({@code kernels/choose.cu}) instead of the
 * program's {@code choose_step}. Both choose the same token unless two all but tie. Log-probabilities are left to the
 * program.
 */
final class TokenChoice {
    private static final int THREADS = 1024;
    private static final int TORCH_INT = 3;
    private static final int TORCH_LONG = 4;
    private static final int TORCH_FLOAT = 6;

    private final TorchScriptProgram program;
    private final int vocabulary;
    private final Kernel choose;
    // by allocation
    private int slots;
    private long capacity;
    private int endTokens;
    private long logits;
    private long reals;
    private long integers;
    private long seen;
    private long token;
    private long position;
    private long step;
    private long chosen;

    /**
     * Compiles the kernel, unless it is on disk.
     *
     * @throws UnsatisfiedLinkError                  when a library or one of its functions is missing
     * @throws dev.lockstep.model.cuda.CudaException when it does not compile
     */
    TokenChoice(TorchScriptProgram program, int vocabulary) {
        this.program = program;
        this.vocabulary = vocabulary;
        KernelCompiler compiler = new KernelCompiler(KernelStep.cacheDirectory());
        choose = new Kernel(compiler.compile(StepKernels.source("choose"), List.of()), "choose", THREADS);
        compiler.report();
    }

    /**
     * Takes over the rows' state and the logits that the program has just allocated.
     *
     * @param endTokens end tokens of each row that the program has room for
     */
    void allocate(int slots, int capacity, int endTokens) {
        this.slots = slots;
        this.capacity = capacity;
        this.endTokens = endTokens;
        logits = program.address(TORCH_FLOAT, "state", "logits");
        reals = program.address(TORCH_FLOAT, "state", "reals");
        integers = program.address(TORCH_LONG, "state", "integers");
        seen = program.address(TORCH_INT, "state", "seen");
        token = program.address(TORCH_LONG, "state", "token");
        position = program.address(TORCH_LONG, "state", "position");
        step = program.address(TORCH_LONG, "state", "step");
        chosen = program.address(TORCH_LONG, "state", "chosen");
    }

    /** Whether it can choose in this way. */
    static boolean fits(boolean... sampling) {
        return !sampling[4];
    }

    /**
     * Chooses for rows 0 to {@code rows - 1}. Slots past them keep what the last steps chose as it is.
     *
     * @param sampling {@link RowSettings#needs}
     */
    void run(int rows, boolean... sampling) {
        choose.launch(CudaDriver.stream(), rows, 1, 1, logits, reals, integers, sampling[2] ? seen : 0L, token,
                position, step, chosen, vocabulary, endTokens, slots, Decoder.LOOKAHEAD, capacity, sampling[0] ? 1 : 0,
                sampling[1] ? 1 : 0);
    }
}
