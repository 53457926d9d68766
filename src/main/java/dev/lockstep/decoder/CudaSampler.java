package dev.lockstep.decoder;

import java.util.List;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.torch.TorchScriptProgram;

/**
 * The choice of each row's next token from the logits of a step, by one kernel ({@code kernels/choose.cu}) instead of the
 * program's {@code choose_step}. Both choose the same token unless two all but tie. Log-probabilities and the filters of
 * {@link SamplingRefinements} are left to the program.
 */
final class CudaSampler implements Sampler {
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
     * @throws dev.lockstep.cuda.CudaException when it does not compile
     */
    CudaSampler(TorchScriptProgram program, int vocabulary) {
        this.program = program;
        this.vocabulary = vocabulary;
        KernelCompiler compiler = new KernelCompiler(CudaStep.cacheDirectory());
        choose = new Kernel(compiler.compile(CudaKernels.source("choose"), List.of()), "choose", THREADS);
        compiler.report();
    }

    /** Takes over the rows' state and the logits that the program has just allocated. */
    @Override
    public void allocate(int slots, int capacity, int endTokens) {
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

    @Override
    public boolean fits(ChoiceKind kind) {
        return !kind.ranked() && !kind.refined();
    }

    /** Slots past those rows keep what the last steps chose as it is. */
    @Override
    public void choose(int rows, ChoiceKind kind, boolean edited) {
        if (edited) {
            program.integer("edit_step", rows);
        }
        choose.launch(CudaDriver.stream(), rows, 1, 1, logits, reals, integers, kind.penalized() ? seen : 0L, token,
                position, step, chosen, vocabulary, endTokens, slots, Decoder.LOOKAHEAD, capacity,
                kind.sampled() ? 1 : 0, kind.filtered() ? 1 : 0);
    }
}
