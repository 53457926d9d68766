package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.decoder.sampling.SamplingColumns;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.decoder.sampling.SamplingRefinements;
import dev.lockstep.torch.ScalarType;

/**
 * Samples each row's next token from the logits of a step, by one kernel ({@code kernels/sample.cu}) instead of the
 * program's {@code sample_step}. Both take the same token unless two all but tie. Log-probabilities and the filters of
 * {@link SamplingRefinements} are left to the program.
 */
final class CudaSampler implements Sampler {
    private static final int THREADS = 1024;

    private final DecoderProgram program;
    private final int vocabulary;
    private final Kernel sample;
    private final @Nullable PeerRows peers;
    // of some of the tokens; null where ranks do not reach each other
    private final @Nullable Kernel best;
    // by allocation
    private DecoderAllocation size = new DecoderAllocation(0, 0);
    private long logits;
    private long samplingFloats;
    private long samplingInts;
    private long tokenCounts;
    private long token;
    private long position;
    private long step;
    private long chosen;

    /**
     * Compiles the kernel, unless it is on disk.
     *
     * @param vocabulary tokens of all ranks
     * @param peers      null for a rank alone, and where others are not reached
     * @throws UnsatisfiedLinkError                  when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when it does not compile
     */
    CudaSampler(DecoderProgram program, int vocabulary, @Nullable PeerRows peers, KernelCompiler compiler) {
        this.program = program;
        this.vocabulary = vocabulary;
        this.peers = peers;
        List<String> definitions = new ArrayList<>(SamplingColumns.definitions());
        definitions.add("NO_NUMBER=" + Decoder.NO_NUMBER);
        definitions.add("NO_TOKEN=" + Decoder.NO_TOKEN);
        sample = compiler.kernel(CudaKernels.source("sample"), definitions, "sample", THREADS);
        definitions.addAll(PeerRows.definitions());
        best = peers == null
                ? null
                : compiler.kernel(CudaKernels.source("peer_rows") + CudaKernels.source("sample"), definitions, "sample",
                        THREADS);
    }

    /** Takes over the rows' state and the logits that the program has just allocated. */
    @Override
    public void allocate(DecoderAllocation size) {
        this.size = size;
        logits = program.stateAddress("logits", ScalarType.FLOAT32);
        samplingFloats = program.stateAddress("sampling_floats", ScalarType.FLOAT32);
        samplingInts = program.stateAddress("sampling_ints", ScalarType.INT64);
        tokenCounts = program.stateAddress("token_counts", ScalarType.INT32);
        token = program.stateAddress("token", ScalarType.INT64);
        position = program.stateAddress("position", ScalarType.INT64);
        step = program.stateAddress("step", ScalarType.INT64);
        chosen = program.stateAddress("chosen", ScalarType.INT64);
    }

    @Override
    public boolean fits(SamplingKind kind) {
        return !kind.logprobs() && !kind.refined();
    }

    /** Slots past those rows keep what the last steps chose as it is. */
    @Override
    public void sample(int rows, SamplingKind kind, boolean edited) {
        int maskRows = edited ? program.editStep(rows) : 0;
        launch(rows, logits, 0, kind, maskRows);
        if (maskRows > 0) {
            program.editsDone();
        }
    }

    /** Whether the next tokens can be had from logits of which each rank has some. */
    boolean fitsParts(int rows, SamplingKind kind) {
        return best != null && fits(kind) && !kind.sampled() && rows <= PeerRows.MOST_ROWS;
    }

    /**
     * The next tokens of rows, the likeliest ones, where each rank has the logits of some tokens; all ranks call it.
     *
     * @param part  [rows, tokens] of this rank, float32
     * @param first of its tokens
     */
    void sampleParts(int rows, SamplingKind kind, long part, int first, int tokens) {
        PeerRows all = Objects.requireNonNull(peers);
        Objects.requireNonNull(best).launch(CudaDriver.stream(), rows, 1, 1, part, samplingFloats, samplingInts,
                kind.penalized() ? tokenCounts : 0L, token, position, step, chosen, tokens, size.endTokens(),
                size.slots(), DecoderProgram.TOKENS_KEPT, (long) size.capacity(), 0, 0, 0L, 0L, 0L, 0, all.address(),
                all.rank(), all.size(), first, vocabulary);
    }

    /** Samples for so many rows that the program's last prefill has completed, from their logits. */
    void sampleFirst(int rows, SamplingKind kind) {
        launch(rows, program.stateAddress("first_logits", ScalarType.FLOAT32),
                program.stateAddress("first_rows", ScalarType.INT64), kind, 0);
    }

    private void launch(int rows, long logits, long slotOf, SamplingKind kind, int maskRows) {
        sample.launch(CudaDriver.stream(), rows, 1, 1, logits, samplingFloats, samplingInts,
                kind.penalized() ? tokenCounts : 0L, token, position, step, chosen, vocabulary, size.endTokens(),
                size.slots(), DecoderProgram.TOKENS_KEPT, (long) size.capacity(), kind.sampled() ? 1 : 0,
                kind.filtered() ? 1 : 0, slotOf,
                maskRows > 0 ? program.stateAddress("mask_of", ScalarType.INT64) : 0L,
                maskRows > 0 ? program.stateAddress("masks", ScalarType.INT64) : 0L, maskRows);
    }
}
