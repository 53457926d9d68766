package dev.lockstep.generate;

/**
 * Where the time of generating went.
 *
 * @param prefillSeconds bringing prompts in, with the first new token of each
 * @param decodeSeconds  all further tokens
 * @param steps          decode steps, each one token for every row in a slot
 */
public record Timing(double prefillSeconds, double decodeSeconds, long steps) {}
