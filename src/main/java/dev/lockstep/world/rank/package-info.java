/**
 * What keeps a rank that is a process: its link to the launcher, MPJ Express begun, and its end; of the latter two a rank that
 * is a thread has others. Not for programs. Begin with {@link dev.lockstep.world.rank.Bootstrap}.
 */
@NullMarked
package dev.lockstep.world.rank;

import org.jspecify.annotations.NullMarked;
