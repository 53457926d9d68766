package dev.lockstep.checkpoint;

/**
 * A tensor that a configuration calls for.
 *
 * @param name  Hugging Face's name
 * @param shape sizes, outermost first ({@code [out, in]} for a projection); not to be written to
 */
public record ExpectedTensor(String name, int[] shape) {}
