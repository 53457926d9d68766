package dev.lockstep.decoder;

/**
 * What one kind of a decode step's launches takes, with nothing else between them.
 *
 * @param name     the kernel's, or a product's shape
 * @param launches of a step
 * @param seconds  of one, on average
 * @param bytes    that one reads and writes at least; 0 where that depends on what rows hold
 */
public record KernelTime(String name, int launches, double seconds, long bytes) {}
