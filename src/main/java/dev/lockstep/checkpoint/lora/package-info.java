/**
 * LoRA adapters: what is added to a checkpoint's weights. Begin with {@link dev.lockstep.checkpoint.lora.Adapter}.
 */
@NullMarked
package dev.lockstep.checkpoint.lora;

import org.jspecify.annotations.NullMarked;
