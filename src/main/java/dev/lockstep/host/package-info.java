/**
 * What every process needs of the machine that it runs on: its name, files replaced whole, sums, text that is safe on a
 * terminal, the exception that ends a job with one sentence, and a rank's share of a list, which is here because those who
 * split and those who generate do not know each other. Uses nothing but Java, so every other package may use
 * it. Begin with {@link dev.lockstep.host.UsageException}.
 */
@NullMarked
package dev.lockstep.host;

import org.jspecify.annotations.NullMarked;
