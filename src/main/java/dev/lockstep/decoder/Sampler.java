package dev.lockstep.decoder;

/** How tokens are chosen from a step's logits. */
interface Sampler {
    /**
     * To be called when the program has allocated its cache.
     *
     * @param endTokens end tokens of each row that it has room for
     */
    void allocate(int slots, int capacity, int endTokens);

    /** Whether it can choose in this way. */
    boolean fits(ChoiceKind kind);

    /**
     * Chooses for rows 0 to {@code rows - 1}.
     *
     * @param edited the program has edits for these logits
     * @throws UnsatisfiedLinkError                  when a library lacks a function
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    void choose(int rows, ChoiceKind kind, boolean edited);
}
