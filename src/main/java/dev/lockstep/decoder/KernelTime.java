package dev.lockstep.decoder;

/**
 * What one kind of the launches of a decode step, or of a pass over prompts, takes.
 *
 * @param name     the kernel's, or a product's shape
 * @param launches of it
 * @param seconds  of one, on average
 * @param bytes    that one reads and writes at least; 0 where that depends on what rows hold
 * @param operations multiplications and additions of one; 0 where it is no product
 */
public record KernelTime(String name, int launches, double seconds, long bytes, long operations) {}
