/**
 * How collectives and messages are made of parts: algorithms, codecs, and where a rank stands. Not for programs, whose
 * verbs are those of {@link dev.lockstep.world.Group}. Begin with {@link dev.lockstep.world.verbs.Collectives}.
 */
@NullMarked
package dev.lockstep.world.verbs;

import org.jspecify.annotations.NullMarked;
