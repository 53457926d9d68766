package dev.lockstep.model;

/**
 * What a decoder may use on a GPU to be faster; on CPU it makes no difference.
 *
 * @param graphs  record decode steps as CUDA graphs
 * @param kernels compute decode steps with kernels of our own
 */
public record Acceleration(boolean graphs, boolean kernels) {
    /** All of it. */
    public static final Acceleration FULL = new Acceleration(true, true);
}
