package dev.lockstep.world;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A group's ranks as a grid with neighbours (MPI_Cart_create, mpi4py's {@code Create_cart}). The last coordinate changes
 * first from rank to rank. Only {@link #exchange} sends anything.
 *
 * <pre>{@code
 * Grid grid = world.grid(Grid.dimensions(world.size(), 2), true, false);
 * Optional<double[]> ofLeft = grid.exchange(world.doubles(), rightmostColumn, 1, 1, TAG);
 * }</pre>
 */
public final class Grid {
    private final int rank;
    private final int[] dimensions;
    private final boolean[] periodic;

    /** The ranks to both sides; empty where the grid ends. */
    public record Neighbours(OptionalInt before, OptionalInt after) {}

    Grid(Group group, int[] dimensions, boolean... periodic) {
        if (dimensions.length == 0 || periodic.length != dimensions.length) {
            throw new IllegalArgumentException(
                    "a grid of " + dimensions.length + " dimensions, and of " + periodic.length
                            + " it is said whether they are periodic: say so of each");
        }
        long ranks = Arrays.stream(dimensions).asLongStream().reduce(1, (a, b) -> a * b);
        if (ranks != group.size() || Arrays.stream(dimensions).anyMatch(each -> each < 1)) {
            throw new IllegalArgumentException(
                    "a grid of " + Arrays.toString(dimensions) + " has not as many places as "
                            + "there are ranks, " + group.size() + ": Grid.dimensions finds some that have");
        }
        this.rank = group.rank();
        this.dimensions = dimensions.clone();
        this.periodic = periodic.clone();
    }

    /**
     * Dimensions for so many ranks, as near to each other as their product allows, the largest first (MPI_Dims_create,
     * {@code Compute_dims}).
     *
     * @param ranks at least 1
     * @param count of dimensions, at least 1
     */
    public static int[] dimensions(int ranks, int count) {
        if (ranks < 1 || count < 1) {
            throw new IllegalArgumentException("no grid of " + ranks + " ranks has " + count + " dimensions");
        }
        int[] dimensions = new int[count];
        int left = ranks;
        for (int i = 0; i < count; i++) {
            // the least divisor that is at least the root of what is left
            int of = count - i;
            int each = 1;
            while (left % each != 0 || Math.pow(each, of) < left - 0.5) {
                each++;
            }
            dimensions[i] = each;
            left /= each;
        }
        Arrays.sort(dimensions);
        for (int i = 0, j = count - 1; i < j; i++, j--) {
            int swapped = dimensions[i];
            dimensions[i] = dimensions[j];
            dimensions[j] = swapped;
        }
        return dimensions;
    }

    /** How many ranks there are each way. */
    public int[] dimensions() {
        return dimensions.clone();
    }

    /** This rank's place (MPI_Cart_coords). */
    public int[] coordinates() {
        return coordinates(rank);
    }

    /** A rank's place (MPI_Cart_coords, {@code Get_coords}). */
    public int[] coordinates(int rank) {
        int[] coordinates = new int[dimensions.length];
        int left = rank;
        for (int i = dimensions.length - 1; i >= 0; i--) {
            coordinates[i] = left % dimensions[i];
            left /= dimensions[i];
        }
        if (rank < 0 || left > 0) {
            throw new IllegalArgumentException("rank " + rank + " is not in a grid of " + Arrays.toString(dimensions));
        }
        return coordinates;
    }

    /**
     * The rank at a place (MPI_Cart_rank, {@code Get_cart_rank}).
     *
     * @param coordinates in a periodic dimension any; in others empty is given for what is outside
     */
    public OptionalInt rankAt(int... coordinates) {
        if (coordinates.length != dimensions.length) {
            throw new IllegalArgumentException(
                    coordinates.length + " coordinates in a grid of " + dimensions.length + " dimensions");
        }
        int at = 0;
        for (int i = 0; i < dimensions.length; i++) {
            if (!periodic[i] && (coordinates[i] < 0 || coordinates[i] >= dimensions[i])) {
                return OptionalInt.empty();
            }
            at = at * dimensions[i] + Math.floorMod(coordinates[i], dimensions[i]);
        }
        return OptionalInt.of(at);
    }

    /**
     * The ranks that are some places before and after this one in one dimension (MPI_Cart_shift, {@code Shift}).
     *
     * @param dimension from 0
     * @param by        so many places
     */
    public Neighbours neighbours(int dimension, int by) {
        return new Neighbours(beside(dimension, -by), beside(dimension, by));
    }

    private OptionalInt beside(int dimension, int by) {
        if (dimension < 0 || dimension >= dimensions.length) {
            throw new IllegalArgumentException(
                    "dimension " + dimension + " of a grid that has " + dimensions.length + ", counted from 0");
        }
        int[] place = coordinates();
        place[dimension] += by;
        return rankAt(place);
    }

    /**
     * Sends an array so many places on in one dimension, and receives that of the rank as many before, as all ranks of the
     * grid do (MPI_Sendrecv after MPI_Cart_shift): the values at the edge of a rank's part, for the neighbour's.
     *
     * @param arrays of the group that the grid is of
     * @param by     below 0 the other way
     * @return empty where the grid ends
     */
    public <A> Optional<A> exchange(Buffers<A> arrays, A values, int dimension, int by, int tag) {
        Neighbours neighbours = neighbours(dimension, by);
        boolean itself = neighbours.after().isPresent() && neighbours.after().getAsInt() == rank;
        if (itself) {
            return Optional.of(arrays.copy(values));
        }
        Optional<Pending<Long>> sent = neighbours.after().isPresent()
                ? Optional.of(arrays.isend(values, neighbours.after().getAsInt(), tag))
                : Optional.empty();
        Optional<A> received = neighbours.before().isPresent()
                ? Optional.of(arrays.receive(neighbours.before().getAsInt(), tag))
                : Optional.empty();
        sent.ifPresent(Pending::await);
        return received;
    }
}
