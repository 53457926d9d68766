package dev.lockstep.world;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Elementwise;
import dev.lockstep.world.verbs.Messages;
import dev.lockstep.world.verbs.Verb;

/**
 * A group's verbs for arrays of one primitive type, which travel as they are. Arrays may differ in length from rank to
 * rank; where they must not, it is said. An array that a verb gives back is always a new one.
 *
 * <pre>{@code
 * float[] sum = world.floats().allReduce(gradient, Op.SUM);
 * }</pre>
 *
 * @param <A> {@code byte[]}, {@code int[]}, {@code long[]}, {@code float[]} or {@code double[]}
 */
public final class Buffers<A> extends ArrayMessages<A> {
    private final Group group;
    private final Collectives collectives;
    private final ArrayCodec<A> codec;
    private final int size;

    Buffers(Group group, Collectives collectives, Messages messages, ArrayCodec<A> codec) {
        super(messages, codec);
        this.group = group;
        this.collectives = collectives;
        this.codec = codec;
        this.size = group.size();
    }

    /**
     * One array with a part for each rank or of each, one after the other (what MPI has counts and displacements for).
     *
     * @param <A>    the array's type
     * @param all    the parts
     * @param counts the elements of each part, by rank
     */
    public record Parts<A> (A all, int... counts) {}

    /**
     * Gives every rank the root's array (MPI_Bcast, mpi4py's {@code Bcast}).
     *
     * @param values the root's; the others' is not looked at and may be null
     */
    public A broadcast(@Nullable A values, int root) {
        return collectives.broadcast(values, codec, root);
    }

    /**
     * Gives every rank the root's elements, in an array that it has.
     *
     * @param values on the root what is sent; elsewhere where it comes, with room for it
     * @return where it has come
     */
    public Slice<A> broadcast(Slice<A> values, int root) {
        boolean isRoot = group.rank() == root;
        A all = collectives.broadcast(isRoot ? cut(values) : null, codec, root);
        return isRoot ? values : put(all, values);
    }

    /** {@link #broadcast(Object, int)} from rank 0. */
    public A broadcast(@Nullable A values) {
        return broadcast(values, 0);
    }

    /**
     * Gives each rank its array of the root's list (MPI_Scatterv, {@code Scatterv}).
     *
     * @param parts on the root one per rank, by rank; the others' is not looked at and may be null
     */
    public A scatter(@Nullable List<A> parts, int root) {
        return collectives.scatter(parts, codec, root);
    }

    /** {@link #scatter(List, int)} from rank 0. */
    public A scatter(List<A> parts) {
        return scatter(parts, 0);
    }

    /**
     * Gives each rank its block of the root's array, as {@link Group#split(int)} cuts it.
     *
     * @param all the root's; the others' is not looked at and may be null
     */
    public A scatterAll(@Nullable A all, int root) {
        List<A> parts = null;
        if (all != null) {
            parts = new ArrayList<>();
            for (int rank = 0; rank < size; rank++) {
                Block block = Block.of(codec.length(all), rank, size);
                A part = codec.create(block.length());
                System.arraycopy(all, block.start(), part, 0, block.length());
                parts.add(part);
            }
        }
        return scatter(parts, root);
    }

    /** {@link #scatterAll(Object, int)} from rank 0. */
    public A scatterAll(A all) {
        return scatterAll(all, 0);
    }

    /**
     * Gives the root every rank's array (MPI_Gatherv, {@code Gatherv}).
     *
     * @return on the root the arrays, by rank; elsewhere empty
     */
    public Optional<List<A>> gather(A values, int root) {
        return collectives.gather(values, codec, root);
    }

    /** {@link #gather(Object, int)} to rank 0. */
    public Optional<List<A>> gather(A values) {
        return gather(values, 0);
    }

    /**
     * Gives the root the elements of all ranks as one array, by rank.
     *
     * @return on the root the elements; elsewhere empty
     * @throws IllegalStateException when there are too many for one array; {@link #gather(Object, int)} takes more
     */
    public Optional<A> gatherAll(A values, int root) {
        return gather(values, root).map(this::concatenate);
    }

    /** {@link #gatherAll(Object, int)} to rank 0. */
    public Optional<A> gatherAll(A values) {
        return gatherAll(values, 0);
    }

    /** Gives every rank every rank's array, by rank (MPI_Allgatherv, {@code Allgatherv}). */
    public List<A> allGather(A values) {
        return collectives.allGather(values, codec, Verb.ALL_GATHER);
    }

    /** Gives every rank the elements of all ranks, and how many each has given (MPI_Allgatherv, {@code Allgatherv}). */
    public Parts<A> allGatherParts(A values) {
        return parts(allGather(values));
    }

    /**
     * Gives each rank its part of every rank's array (MPI_Alltoallv, {@code Alltoallv}).
     *
     * @param parts one for each rank
     * @return what the ranks had for this one
     * @throws IllegalArgumentException when there are not as many counts as ranks, or elements as they say
     */
    public Parts<A> allToAll(Parts<A> parts) {
        long length = Arrays.stream(parts.counts()).asLongStream().sum();
        if (parts.counts().length != size || length != codec.length(parts.all())
                || Arrays.stream(parts.counts()).anyMatch(count -> count < 0)) {
            throw new IllegalArgumentException("allToAll: this rank gives " + codec.length(parts.all()) + " "
                    + codec.kind() + " in parts of " + Arrays.toString(parts.counts()) + " for " + size + " ranks");
        }
        List<A> each = new ArrayList<>();
        int at = 0;
        for (int count : parts.counts()) {
            each.add(codec.cut(parts.all(), at, count));
            at += count;
        }
        return parts(allToAll(each));
    }

    /**
     * Gives each rank its array of every rank's list (MPI_Alltoallv, {@code Alltoallv}).
     *
     * @param parts one per rank, by rank
     * @return what the ranks had for this one, by rank
     */
    public List<A> allToAll(List<A> parts) {
        return collectives.allToAll(parts, codec);
    }

    /**
     * Combines the ranks' arrays, element by element, on the root (MPI_Reduce, {@code Reduce}). The same number of ranks does it in the same order
     * every time, so that rounding is the same too.
     *
     * @param values of the same length on every rank
     * @return on the root the result; elsewhere empty
     * @throws IllegalArgumentException when two ranks' arrays differ in length, or the op is for other numbers
     */
    public Optional<A> reduce(A values, Op op, int root) {
        return collectives.reduce(values, codec, function(op), root).map(all -> Reduction.finish(all, op, size));
    }

    /** {@link #reduce(Object, Op, int)} to rank 0. */
    public Optional<A> reduce(A values, Op op) {
        return reduce(values, op, 0);
    }

    /**
     * {@link #reduce(Object, Op, int)} with an op of the program's own (MPI_Op_create, {@code Op.Create}).
     *
     * @param function associative; it gets whole arrays, in the order of the ranks, may write into them, and may give one of
     *                 another length
     */
    public Optional<A> reduce(A values, BinaryOperator<A> function, int root) {
        return collectives.reduce(values, codec, function, root);
    }

    /** {@link #reduce(Object, Op, int)} in place: on the root the result is where its values were. */
    public void reduce(Slice<A> values, Op op, int root) {
        reduce(cut(values), op, root).ifPresent(all -> put(all, values));
    }

    /**
     * As {@link #reduce(Object, Op, int)}, and every rank gets the result, the same to the last bit (MPI_Allreduce,
     * {@code Allreduce}).
     */
    public A allReduce(A values, Op op) {
        return Reduction.finish(collectives.allReduce(values, codec, function(op)), op, size);
    }

    /** As {@link #reduce(Object, BinaryOperator, int)}, and every rank gets the result, the same to the last bit. */
    public A allReduce(A values, BinaryOperator<A> function) {
        return collectives.allReduce(values, codec, function);
    }

    /** {@link #allReduce(Object, Op)} in place (MPI_IN_PLACE): the result is where the values were. */
    public void allReduce(Slice<A> values, Op op) {
        put(allReduce(cut(values), op), values);
    }

    /** The least of the ranks' numbers, element by element, and whose each is (MPI_MINLOC). Two collectives. */
    public Group.LocatedAll<A> minLocated(A values) {
        return located(values, Op.MIN);
    }

    /** The greatest of the ranks' numbers, element by element, and whose each is (MPI_MAXLOC). Two collectives. */
    public Group.LocatedAll<A> maxLocated(A values) {
        return located(values, Op.MAX);
    }

    private Group.LocatedAll<A> located(A values, Op op) {
        A best = allReduce(values, op);
        return new Group.LocatedAll<>(best,
                group.ints().allReduce(Reduction.holders(values, best, group.rank()), Op.MIN));
    }

    /**
     * Combines each rank's array, element by element, with those of all ranks before it, in their order
     * (MPI_Scan, {@code Scan}).
     *
     * @return what the ranks up to this one have, combined
     */
    public A scan(A values, Op op) {
        return Reduction.finish(collectives.scan(values, codec, function(op)), op, group.rank() + 1);
    }

    /** {@link #scan(Object, Op)} with an op of the program's own, as {@link #reduce(Object, BinaryOperator, int)} has it. */
    public A scan(A values, BinaryOperator<A> function) {
        return collectives.scan(values, codec, function);
    }

    /** {@link #scan(Object, Op)} in place: the result is where the values were. */
    public void scan(Slice<A> values, Op op) {
        put(scan(cut(values), op), values);
    }

    /** As {@link #scan(Object, Op)} without this rank's own (MPI_Exscan, {@code Exscan}): on rank 0 empty. */
    public Optional<A> exscan(A values, Op op) {
        return collectives.exscan(values, codec, function(op))
                .map(all -> Reduction.finish(all, op, group.rank()));
    }

    /** Gives every rank the elements of all ranks as one array, by rank. */
    public A allGatherAll(A values) {
        return concatenate(allGather(values));
    }

    /**
     * Combines the ranks' arrays, element by element, and gives each rank its block of the result, as
     * {@link Group#split(int)} cuts it (MPI_Reduce_scatter).
     */
    public A reduceScatter(A values, Op op) {
        return Reduction.finish(collectives.reduceScatter(values, codec, function(op)), op, size);
    }

    private Elementwise<A> function(Op op) {
        Reduction.check(codec.kind(), op);
        return (first, second) -> Reduction.combine(codec, first, second, op);
    }

    /** {@link Group#begin Begins} a broadcast (MPI_Ibcast, {@code Ibcast}). */
    public Pending<A> ibroadcast(@Nullable A values, int root) {
        return begin(ranks -> ranks.broadcast(values, root));
    }

    /** {@link Group#begin Begins} a gather (MPI_Igather, {@code Igather}). */
    public Pending<Optional<List<A>>> igather(A values, int root) {
        return begin(ranks -> ranks.gather(values, root));
    }

    /** {@link Group#begin Begins} an allGather (MPI_Iallgather, {@code Iallgather}). */
    public Pending<List<A>> iallGather(A values) {
        return begin(ranks -> ranks.allGather(values));
    }

    /** {@link Group#begin Begins} an allToAll (MPI_Ialltoall, {@code Ialltoall}). */
    public Pending<List<A>> iallToAll(List<A> parts) {
        return begin(ranks -> ranks.allToAll(parts));
    }

    /** {@link Group#begin Begins} an allReduce (MPI_Iallreduce, {@code Iallreduce}). */
    public Pending<A> iallReduce(A values, Op op) {
        return begin(ranks -> ranks.allReduce(values, op));
    }

    private <R> Pending<R> begin(Function<Buffers<A>, R> call) {
        return group.begin(ranks -> call.apply(ranks.buffers(codec)));
    }

    A copy(A values) {
        return codec.copy(values);
    }

    private A cut(Slice<A> elements) {
        return codec.cut(elements.array(), elements.offset(), elements.length());
    }

    private Slice<A> put(A values, Slice<A> into) {
        int length = codec.length(values);
        codec.checkRoom(length, into.length());
        System.arraycopy(values, 0, into.array(), into.offset(), length);
        return new Slice<>(into.array(), into.offset(), length);
    }

    private Parts<A> parts(List<A> arrays) {
        return new Parts<>(concatenate(arrays), arrays.stream().mapToInt(codec::length).toArray());
    }

    private A concatenate(List<A> arrays) {
        long length = arrays.stream().mapToLong(codec::length).sum();
        if (length > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException("gatherAll: " + length + " " + codec.kind()
                    + " do not fit in one array; gather gives one array per rank");
        }
        A all = codec.create((int) length);
        int at = 0;
        for (A array : arrays) {
            System.arraycopy(array, 0, all, at, codec.length(array));
            at += codec.length(array);
        }
        return all;
    }
}
