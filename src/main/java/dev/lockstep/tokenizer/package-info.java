/**
 * Text to token ids and back with Hugging Face's own library, and conversations to prompts with a checkpoint's chat
 * template. Uses {@code checkpoint}, {@code djl} and {@code jinja}. Begin with
 * {@link dev.lockstep.tokenizer.Tokenizer} and {@link dev.lockstep.tokenizer.ChatTemplate}.
 */
@NullMarked
package dev.lockstep.tokenizer;

import org.jspecify.annotations.NullMarked;
