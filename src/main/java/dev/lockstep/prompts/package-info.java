/**
 * A line of input to a prompt: JSON lines, text, OpenAI's batch lines, conversations, and what each says about
 * sampling. Uses {@code json}, {@code tokenizer} and {@code generate}. Begin with
 * {@link dev.lockstep.prompts.PromptReader}; one line is parsed in {@code PromptParser}.
 */
@NullMarked
package dev.lockstep.prompts;

import org.jspecify.annotations.NullMarked;
