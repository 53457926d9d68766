/**
 * What a decoder-only transformer is: its shapes and constants, its rotary embedding, the types it computes in; and the JSON
 * files of its directory. Uses {@code host}. Begin with {@link dev.lockstep.model.ModelConfig}.
 */
@NullMarked
package dev.lockstep.model;

import org.jspecify.annotations.NullMarked;
