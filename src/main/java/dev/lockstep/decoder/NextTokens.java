package dev.lockstep.decoder;

/**
 * What a row goes on with after a step beside {@link Drafts}.
 *
 * @param tokens that the row goes on with, at least one
 * @param slots  which chose them
 */
public record NextTokens(int[] tokens, int[] slots) {}
