/**
 * Ranks on other hosts, over ssh or through Slurm: the agent that starts them there, with what {@code local} has, and the
 * launcher's view of it. Uses {@code local}, {@code ranks}, {@code output}, {@code wire} and {@code host}. Begin with
 * {@link dev.lockstep.launch.remote.RemoteHost}, for the other end with {@link dev.lockstep.launch.remote.Agent}.
 */
@NullMarked
package dev.lockstep.launch.remote;

import org.jspecify.annotations.NullMarked;
