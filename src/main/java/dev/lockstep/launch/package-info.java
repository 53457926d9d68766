/**
 * mpjrun: decides where a job's ranks go, hears what they say over their control links, and sees them through to the
 * job's exit code. Uses all the rooms within it ({@code ranks}, {@code output}, {@code local} and {@code remote}, none of
 * which knows this one), {@code wire} and {@code host}; sees neither DJL nor MPJ. Begin with
 * {@link dev.lockstep.launch.Mpjrun}, then {@code Supervisor}.
 */
@NullMarked
package dev.lockstep.launch;

import org.jspecify.annotations.NullMarked;
