/**
 * Batched text generation on one device: {@link dev.lockstep.generate.Generator} takes requests and gives completions.
 * Knows nothing of ranks.
 */
package dev.lockstep.generate;
