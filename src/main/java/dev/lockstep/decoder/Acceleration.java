package dev.lockstep.decoder;

/**
 * What a decoder may use on a GPU to be faster.
 *
 * @param graphs  record decode steps as CUDA graphs
 * @param kernels compute decode steps with kernels of our own
 * @param fp8     keep the weights of the layers' products as fp8 (e4m3) with a scale for each row, and multiply
 *                activations in fp8 with a scale for each row; in bfloat16 only, and it changes what comes out
 */
public record Acceleration(boolean graphs, boolean kernels, boolean fp8) {
    /** All that leaves the results as they are; on CPU it makes no difference. */
    public static final Acceleration FULL = new Acceleration(true, true, false);
}
