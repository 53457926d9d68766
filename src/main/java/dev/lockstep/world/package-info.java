/**
 * All ranks of a job, seen from one of them: rank and size, splits, collectives for objects and for arrays. Uses MPJ
 * Express and {@code wire}; never sees a model. Begin with {@link dev.lockstep.world.World}, then
 * {@link dev.lockstep.world.Group}.
 */
@NullMarked
package dev.lockstep.world;

import org.jspecify.annotations.NullMarked;
