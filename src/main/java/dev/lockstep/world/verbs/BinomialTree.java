package dev.lockstep.world.verbs;

import java.util.stream.IntStream;

/** A rank's place in a binomial tree: whoever has the value passes it on to twice as many in every round. */
public final class BinomialTree {
    private final int parent;
    private final int[] children;

    BinomialTree(int rank, int size, int root) {
        int relative = (rank - root + size) % size;
        // the root's lowest bit is above all; everyone else hears from the rank without its own lowest bit
        int lowest = relative == 0 ? Integer.highestOneBit(Math.max(1, size - 1)) << 1 : Integer.lowestOneBit(relative);
        parent = relative == 0 ? -1 : (relative - lowest + root) % size;
        children = IntStream.iterate(lowest >> 1, bit -> bit > 0, bit -> bit >> 1).filter(bit -> relative + bit < size)
                .map(bit -> (relative + bit + root) % size).toArray();
    }

    /** -1 for the root. */
    int parent() {
        return parent;
    }

    /** The one with the most below it first. */
    int[] children() {
        return children;
    }
}
