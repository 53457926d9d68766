package dev.lockstep.decoder;

/** How one step's logits are computed, which are left in the program's {@code step_logits}. */
interface ForwardStep extends AutoCloseable {
    /** To be called when the program has allocated its cache. */
    void allocate(DecoderAllocation size);

    /**
     * Computes the logits of the next tokens of slots 0 to {@code rows - 1}.
     *
     * @param longest tokens of the longest row with this step's
     * @throws UnsatisfiedLinkError                  when a library lacks a function
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    void run(int rows, int longest);

    /** The same number only for steps that compute in the same way. */
    int variant(int rows, int longest);

    /** Whether a step does not depend on lengths that the host knows, so that a recorded one can be replayed. */
    boolean isRecordable();

    @Override
    void close();
}
