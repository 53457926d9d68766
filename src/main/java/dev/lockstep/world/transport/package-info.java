/**
 * How bytes travel between ranks: pieces of values, and what carries them. Not for programs, whose verbs are those of
 * {@link dev.lockstep.world.Group}. Uses MPJ Express and nothing of Lockstep. Begin with
 * {@link dev.lockstep.world.transport.Transport}.
 */
@NullMarked
package dev.lockstep.world.transport;

import org.jspecify.annotations.NullMarked;
