/**
 * What a model's directory holds, checked completely before a byte of its weights is loaded: config.json, the headers
 * of its safetensors files, and how it says to generate with it. Uses {@code host}. Begin with
 * {@link dev.lockstep.checkpoint.Checkpoint}.
 */
@NullMarked
package dev.lockstep.checkpoint;

import org.jspecify.annotations.NullMarked;
