package dev.lockstep.decoder;

/**
 * Where the time of loading a model went.
 *
 * @param librarySeconds libtorch and its first use of the device
 * @param weightsSeconds from disk to where they are computed with
 * @param kernelsSeconds making the device's kernels, or finding those that were made before
 */
public record LoadTimes(double librarySeconds, double weightsSeconds, double kernelsSeconds) {}
