package dev.lockstep.decoder;

import dev.lockstep.decoder.sampling.SamplingKind;

/** How tokens are sampled from a step's logits. */
interface Sampler {
    /** To be called when the program has allocated its cache. */
    void allocate(DecoderAllocation size);

    /** Whether it can sample in this way. */
    boolean fits(SamplingKind kind);

    /**
     * Samples for rows 0 to {@code rows - 1}.
     *
     * @param edited the program has edits for these logits
     * @throws UnsatisfiedLinkError                  when a library lacks a function
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    void sample(int rows, SamplingKind kind, boolean edited);
}
