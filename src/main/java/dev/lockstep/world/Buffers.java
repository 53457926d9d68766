package dev.lockstep.world;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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
public final class Buffers<A> {
    private final Collectives collectives;
    private final Messages messages;
    private final ArrayCodec<A> codec;
    private final int size;

    Buffers(Collectives collectives, Messages messages, ArrayCodec<A> codec, int size) {
        this.collectives = collectives;
        this.messages = messages;
        this.codec = codec;
        this.size = size;
    }

    /**
     * Gives every rank the root's array.
     *
     * @param values the root's; the others' is not looked at and may be null
     */
    public A broadcast(@Nullable A values, int root) {
        return collectives.broadcast(values, codec, root);
    }

    /** {@link #broadcast(Object, int)} from rank 0. */
    public A broadcast(@Nullable A values) {
        return broadcast(values, 0);
    }

    /**
     * Gives each rank its array of the root's list.
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
     * Gives the root every rank's array.
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

    /** Gives every rank every rank's array, by rank. */
    public List<A> allGather(A values) {
        return collectives.allGather(values, codec, Verb.ALL_GATHER);
    }

    /**
     * Gives each rank its array of every rank's list.
     *
     * @param parts one per rank, by rank
     * @return what the ranks had for this one, by rank
     */
    public List<A> allToAll(List<A> parts) {
        return collectives.allToAll(parts, codec);
    }

    /**
     * Combines the ranks' arrays, element by element, on the root. The same number of ranks does it in the same order
     * every time, so that rounding is the same too.
     *
     * @param values of the same length on every rank
     * @return on the root the result; elsewhere empty
     * @throws IllegalArgumentException when two ranks' arrays differ in length
     */
    public Optional<A> reduce(A values, Op op, int root) {
        return collectives.reduce(values, codec, function(op), root);
    }

    /** {@link #reduce(Object, Op, int)} to rank 0. */
    public Optional<A> reduce(A values, Op op) {
        return reduce(values, op, 0);
    }

    /** As {@link #reduce(Object, Op, int)}, and every rank gets the result, the same to the last bit. */
    public A allReduce(A values, Op op) {
        return collectives.allReduce(values, codec, function(op));
    }

    /**
     * Sends an array to one rank, which must {@link #receive} it. May wait until it does.
     *
     * @param tag from 0 to 65,535; messages with one tag are received in the order in which they were sent
     */
    public void send(A values, int to, int tag) {
        messages.send(values, codec, to, tag);
    }

    /** Waits for the array that a rank {@linkplain #send sends} with this tag. */
    public A receive(int from, int tag) {
        return messages.receive(codec, from, tag);
    }

    /**
     * Sends an array to one rank and receives one from another, which may be the same, while it does.
     *
     * @param tag of both
     * @return what rank {@code from} has sent
     */
    public A sendReceive(A values, int to, int from, int tag) {
        return messages.sendReceive(values, codec, to, from, tag);
    }

    /** Begins to {@link #send} and does not wait; the array may be changed at once. */
    public Pending<Long> isend(A values, int to, int tag) {
        return new Pending<>(messages.isend(values, codec, to, tag));
    }

    /** Begins to {@link #receive} and does not wait. */
    public Pending<A> ireceive(int from, int tag) {
        return new Pending<>(messages.ireceive(codec, from, tag));
    }

    /**
     * Combines each rank's array, element by element, with those of all ranks before it, in their order.
     *
     * @return what the ranks up to this one have, combined
     */
    public A scan(A values, Op op) {
        return collectives.scan(values, codec, function(op));
    }

    /** As {@link #scan} without this rank's own: on rank 0 empty. */
    public Optional<A> exscan(A values, Op op) {
        return collectives.exscan(values, codec, function(op));
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
        return collectives.reduceScatter(values, codec, function(op));
    }

    private Elementwise<A> function(Op op) {
        return (first, second) -> Reduction.combine(codec, first, second, op);
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
