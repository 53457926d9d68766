/**
 * Ranks on the host of the process that starts them, which is the launcher or an agent: the GPUs, memory, addresses and
 * Slurm task that it has, the plan made from them, and the processes until nothing of them is left. Uses {@code ranks},
 * {@code output}, {@code wire} and {@code host}. Begin with {@link dev.lockstep.launch.local.RankPlanner}, then
 * {@link dev.lockstep.launch.local.LocalProcess}.
 */
@NullMarked
package dev.lockstep.launch.local;

import org.jspecify.annotations.NullMarked;
