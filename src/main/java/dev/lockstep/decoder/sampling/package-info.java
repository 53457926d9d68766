/** How the next token of a row is to be chosen, and in which columns kernels and program find that. */
@NullMarked
package dev.lockstep.decoder.sampling;

import org.jspecify.annotations.NullMarked;
