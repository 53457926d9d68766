/**
 * Jobs that measure and check: {@code bench} decodes, generates and runs collectives, {@code selftest} checks every
 * collective, {@code hello} greets. Uses {@code generate} and {@code world}. Begin with
 * {@link dev.lockstep.bench.BenchJob}.
 */
@NullMarked
package dev.lockstep.bench;

import org.jspecify.annotations.NullMarked;
