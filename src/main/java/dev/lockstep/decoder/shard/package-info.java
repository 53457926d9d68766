/** How a model is divided among ranks that compute it together. */
@NullMarked
package dev.lockstep.decoder.shard;

import org.jspecify.annotations.NullMarked;
