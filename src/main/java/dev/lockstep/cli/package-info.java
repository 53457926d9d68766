/**
 * What the command lines of several jobs, and the launcher's, have in common: the jobs that come with Lockstep, flags of
 * other programs, sentences about options that cannot be used, options for the ways to be faster on a GPU. Uses
 * {@code decoder} and {@code host}. Begin with {@link dev.lockstep.cli.BuiltInJob}.
 */
@NullMarked
package dev.lockstep.cli;

import org.jspecify.annotations.NullMarked;
