package dev.lockstep.generate;

/**
 * One sequence to generate.
 *
 * @param index     the prompt's place in the input, from 0
 * @param sample    which sample of that prompt, from 0
 * @param promptIds the prompt's tokens, at least one
 * @param params    how to choose tokens and when to end
 */
public record Request(int index, int sample, int[] promptIds, SamplingParams params) {}
