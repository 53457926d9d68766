package dev.lockstep.world.verbs;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;

/**
 * Combines two arrays of the same length into one, each element with that at the same place: so it may be given any part of
 * them. May write into the second.
 */
@FunctionalInterface
public interface Elementwise<A> extends BinaryOperator<A> {
    /** Combines what the ranks have in the order of messages that go up a binomial tree to rank 0. */
    default A tree(List<A> ofRanks) {
        List<A> parts = new ArrayList<>(ofRanks);
        for (int distance = 1; distance < parts.size(); distance <<= 1) {
            for (int of = 0; of + distance < parts.size(); of += 2 * distance) {
                parts.set(of, apply(parts.get(of), parts.get(of + distance)));
            }
        }
        return parts.get(0);
    }
}
