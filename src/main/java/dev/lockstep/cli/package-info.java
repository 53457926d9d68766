/**
 * What the command lines of several jobs have in common: options for the ways to be faster on a GPU, and sentences about
 * options that cannot be used. Uses {@code decoder} and {@code host}. Begin with
 * {@link dev.lockstep.cli.AccelerationOptions}.
 */
@NullMarked
package dev.lockstep.cli;

import org.jspecify.annotations.NullMarked;
