package dev.lockstep.world;

/**
 * A contiguous range of items, one rank's share.
 *
 * @param start the first item
 * @param end   the item after the last; equal to start when the rank has none
 */
public record Block(int start, int end) {
    /**
     * The share of one rank when n items are split evenly: the first {@code n % size} ranks get one more.
     *
     * @throws IllegalArgumentException when n is negative or rank is not in 0..size-1
     */
    public static Block of(int n, int rank, int size) {
        if (n < 0 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException("no share of " + n + " items for rank " + rank + " of " + size);
        }
        int each = n / size;
        int more = n % size;
        int start = rank * each + Math.min(rank, more);
        return new Block(start, start + each + (rank < more ? 1 : 0));
    }

    /** Number of items. */
    public int length() {
        return end - start;
    }
}
