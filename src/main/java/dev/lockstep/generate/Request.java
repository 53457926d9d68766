package dev.lockstep.generate;

/**
 * One sequence to generate.
 *
 * @param index     the prompt's place in the whole input, from 0; with seed and sample it fixes the random numbers, so
 *                  two requests that differ in none of the three draw the same ones
 * @param sample    which sample of that prompt, from 0
 * @param promptIds the prompt's tokens, at least one, special tokens among them: nothing is added to these, while
 *                  {@link dev.lockstep.tokenizer.Tokenizer#encode} adds the tokenizer's own if it is told to
 * @param params    how to choose tokens and when to end
 */
public record Request(int index, int sample, int[] promptIds, SamplingParams params) {}
