/**
 * A job's ranks as the launcher deals with them, wherever they run: what starts them, what can be asked of each process,
 * what is heard of them, and what their exit codes say. Uses {@code wire}. Begin with
 * {@link dev.lockstep.launch.ranks.Spawner} and {@link dev.lockstep.launch.ranks.LaunchEvent}.
 */
@NullMarked
package dev.lockstep.launch.ranks;

import org.jspecify.annotations.NullMarked;
