/**
 * The model types that the decoder computes, each in a file of its own: how its {@code config.json} is read, with the defaults
 * of its configuration class in transformers, and how its tensors are named. Uses {@code model} and {@code host}. Begin with
 * {@link dev.lockstep.family.Families}.
 */
@NullMarked
package dev.lockstep.family;

import org.jspecify.annotations.NullMarked;
