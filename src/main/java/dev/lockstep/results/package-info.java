/**
 * A completion to a line of output: results, OpenAI's answers, log-probabilities; and results counted by kind. Uses
 * {@code prompts} and {@code generate}. Begin with {@link dev.lockstep.results.Result}; a line is written in
 * {@code ResultFile}.
 */
@NullMarked
package dev.lockstep.results;

import org.jspecify.annotations.NullMarked;
