package dev.lockstep.decoder;

/**
 * What a decoder may use on a GPU to be faster.
 *
 * @param graphs  record decode steps as CUDA graphs
 * @param kernels compute decode steps with kernels of our own
 * @param weights how the weights of the layers' products are kept
 * @param fp8Kv    keep keys and values in fp8 (e4m3), in half the memory of 16 bits; it changes what comes out
 * @param sameText whether a row's logits in 16 bits are the same bits whatever rows are beside it
 */
public record Acceleration(boolean graphs, boolean kernels, Weights weights, boolean fp8Kv, SameText sameText) {
    /** How the weights of the layers' products are kept. */
    public enum Weights {
        /**
         * As {@link #FP8} where the checkpoint has them all in fp8 by row and the GPU has units for it, in bfloat16; as
         * {@link #INT4} where it has them in 4 bits and the GPU's memory would hardly hold their numbers; otherwise as
         * {@link #WIDE}, but for experts in mxfp4, which stay so.
         */
        AS_STORED,
        /** In the type of computation, whatever they are stored in. */
        WIDE,
        /**
         * As fp8 (e4m3) with a scale for each row, and activations are multiplied in fp8 with a scale for each row, but for
         * those of experts; in bfloat16 only, and it changes what comes out. Experts in mxfp4 stay so.
         */
        FP8,
        /**
         * As the checkpoint has them, in 4 bits, which have to be in order and in groups of a power of 2 from 32 on or of
         * whole rows; in 16 bits only. Steps of few rows read a quarter of what they would, prompts and steps of many take
         * longer, since the numbers are made anew for each.
         */
        INT4
    }

    /**
     * Whether a row's logits in 16 bits are the same bits alone and among any others, in any slot, with its prompt in one piece
     * or several, computed or found in the cache. Rows that begin alike are then not attended to together.
     */
    public enum SameText {
        /** Where kernels of our own compute prompts and steps: not with weights in 4 bits or models with a soft cap; nor with experts. */
        WHERE_POSSIBLE,
        /** Or the model is not loaded. */
        ON, OFF
    }

    /** With keys and values in the type of computation. */
    public Acceleration(boolean graphs, boolean kernels, Weights weights) {
        this(graphs, kernels, weights, false);
    }

    /** With the same text where that is possible. */
    public Acceleration(boolean graphs, boolean kernels, Weights weights, boolean fp8Kv) {
        this(graphs, kernels, weights, fp8Kv, SameText.WHERE_POSSIBLE);
    }

    /** All that leaves the results as the checkpoint means them; on CPU it makes no difference. */
    public static final Acceleration FULL = new Acceleration(true, true, Weights.AS_STORED);
}
