/**
 * The transformer: its weights, the cache of keys and values, steps computed by a TorchScript program or on a GPU by
 * kernels of our own, and sampling. Uses {@code torch}, {@code cuda} and {@code checkpoint}. Begin with
 * {@link dev.lockstep.decoder.Decoder}.
 */
@NullMarked
package dev.lockstep.decoder;

import org.jspecify.annotations.NullMarked;
