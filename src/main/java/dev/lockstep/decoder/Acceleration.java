package dev.lockstep.decoder;

/**
 * What a decoder may use on a GPU to be faster.
 *
 * @param graphs  record decode steps as CUDA graphs
 * @param kernels compute decode steps with kernels of our own
 * @param weights how the weights of the layers' products are kept
 * @param fp8Kv   keep keys and values in fp8 (e4m3), in half the memory of 16 bits; it changes what comes out
 */
public record Acceleration(boolean graphs, boolean kernels, Weights weights, boolean fp8Kv) {
    /** How the weights of the layers' products are kept. */
    public enum Weights {
        /**
         * As {@link #FP8} where the checkpoint has them all in fp8 by row and the GPU has units for it, in bfloat16; as
         * {@link #INT4} where it has them in 4 bits and the GPU's memory would hardly hold their numbers; otherwise as
         * {@link #WIDE}.
         */
        AS_STORED,
        /** In the type of computation, whatever they are stored in. */
        WIDE,
        /**
         * As fp8 (e4m3) with a scale for each row, and activations are multiplied in fp8 with a scale for each row; in
         * bfloat16 only, and it changes what comes out.
         */
        FP8,
        /**
         * As the checkpoint has them, in 4 bits, which have to be in order and in groups of a power of 2 from 32 on or of
         * whole rows; in 16 bits only. Steps of few rows read a quarter of what they would, prompts and steps of many take
         * longer, since the numbers are made anew for each.
         */
        INT4
    }

    /** With keys and values in the type of computation. */
    public Acceleration(boolean graphs, boolean kernels, Weights weights) {
        this(graphs, kernels, weights, false);
    }

    /** All that leaves the results as the checkpoint means them; on CPU it makes no difference. */
    public static final Acceleration FULL = new Acceleration(true, true, Weights.AS_STORED);
}
