/** Ranks of a world that compute one model together. */
@NullMarked
package dev.lockstep.replica;

import org.jspecify.annotations.NullMarked;
