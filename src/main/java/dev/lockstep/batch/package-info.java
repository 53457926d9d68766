/**
 * The job {@code generate}: options, the queue of work and its server on rank 0, what each rank does, the manifest; and
 * the job {@code model}, which judges a checkpoint before. Uses everything from {@code prompts} to {@code report}, and
 * {@code world}. Begin with {@link dev.lockstep.batch.GenerateJob}.
 */
@NullMarked
package dev.lockstep.batch;

import org.jspecify.annotations.NullMarked;
