/**
 * Batched generation on one device: requests in, completions out, with slots that are refilled as soon as they fall
 * free. Uses {@code decoder} and {@code tokenizer}; knows nothing of ranks. Begin with
 * {@link dev.lockstep.generate.Generator}, then {@code Scheduler}.
 */
@NullMarked
package dev.lockstep.generate;

import org.jspecify.annotations.NullMarked;
