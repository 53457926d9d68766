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

    /**
     * The share of one rank when items are split in their order so that every rank's sum of weights is as near to its
     * even part as whole items allow: an item belongs to the rank in whose part the middle of its weight falls.
     *
     * @param weights one per item; when all are 0 the items count the same
     * @throws IllegalArgumentException when a weight is negative or not finite, or rank is not in 0..size-1
     */
    public static Block byWeight(double[] weights, int rank, int size) {
        double total = 0;
        for (double weight : weights) {
            if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("an item has the weight " + weight + ": give numbers from 0 on");
            }
            total += weight;
        }
        if (total == 0 || rank < 0 || rank >= size) {
            return of(weights.length, rank, size);
        }
        int start = 0;
        int end = 0;
        double sum = 0;
        for (double weight : weights) {
            double owner = Math.min(Math.floor((sum + weight / 2) / total * size), size - 1);
            start += owner < rank ? 1 : 0;
            end += owner <= rank ? 1 : 0;
            sum += weight;
        }
        return new Block(start, end);
    }

    /** Number of items. */
    public int length() {
        return end - start;
    }
}
