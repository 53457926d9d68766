package dev.lockstep.world.verbs;

import java.util.function.BinaryOperator;

/**
 * Combines two arrays of the same length into one, each element with that at the same place: so it may be given any part of
 * them. May write into the second.
 */
@FunctionalInterface
public interface Elementwise<A> extends BinaryOperator<A> {}
