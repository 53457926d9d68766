package dev.lockstep.world;

import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Codec;
import dev.lockstep.world.verbs.Messages;

/**
 * Messages from one rank of a {@link Group} to another that are arrays; as {@link PointToPoint} has them of values.
 *
 * @param <A> {@code byte[]}, {@code int[]}, {@code long[]}, {@code float[]} or {@code double[]}
 */
public abstract sealed class ArrayMessages<A> permits Buffers {
    private final Messages messages;
    private final ArrayCodec<A> codec;

    ArrayMessages(Messages messages, ArrayCodec<A> codec) {
        this.messages = messages;
        this.codec = codec;
    }

    /**
     * Sends an array to one rank, which must {@link #receive} it (MPI_Send, mpi4py's {@code Send}). May wait until it
     * does.
     *
     * @param tag from 0 to 65,535; messages with one tag are received in the order in which they were sent
     */
    public void send(A values, int to, int tag) {
        messages.send(values, codec, to, tag);
    }

    /**
     * Waits for the array that a rank {@linkplain #send sends} with this tag (MPI_Recv, {@code Recv}).
     *
     * @param from a rank, or {@link PointToPoint#ANY}
     * @param tag  of the message, or {@link PointToPoint#ANY}
     */
    public A receive(int from, int tag) {
        return messages.receive(codec, from, tag).value();
    }

    /** Sends elements of an array, as {@link #send(Object, int, int)} sends all of one. */
    public void send(Slice<A> values, int to, int tag) {
        messages.send(values.length(), range(values), to, tag);
    }

    /**
     * {@link #receive(int, int)} into an array that the rank has.
     *
     * @param into with room for what comes, which need not fill it
     * @return where it has come
     */
    public Slice<A> receive(Slice<A> into, int from, int tag) {
        return receiveAny(into, from, tag).value();
    }

    /** {@link #receive(Slice, int, int)}, telling which message it was. */
    public Received<Slice<A>> receiveAny(Slice<A> into, int from, int tag) {
        Received<Integer> length = Received.of(messages.receive(range(into), from, tag));
        return new Received<>(new Slice<>(into.array(), into.offset(), length.value()), length.status());
    }

    /** {@link #receive(int, int)}, telling which message it was. */
    public Received<A> receiveAny(int from, int tag) {
        return Received.of(messages.receive(codec, from, tag));
    }

    /**
     * Sends an array to one rank and receives one from another, which may be the same, while it does (MPI_Sendrecv,
     * {@code Sendrecv}).
     *
     * @param tag of both
     * @return what rank {@code from} has sent
     */
    public A sendReceive(A values, int to, int from, int tag) {
        return messages.sendReceive(values, codec, to, from, tag);
    }

    /** Begins to {@link #send} and does not wait (MPI_Isend, {@code Isend}); the array may be changed at once. */
    public Pending<Long> isend(A values, int to, int tag) {
        return new Pending<>(messages.isend(values, codec, to, tag));
    }

    /** Begins to {@link #receive} and does not wait (MPI_Irecv, {@code Irecv}). */
    public Pending<A> ireceive(int from, int tag) {
        return new Pending<>(messages.ireceive(codec, from, tag).thenApply(Messages.Delivered::value));
    }

    /** Begins to {@link #receiveAny} and does not wait. */
    public Pending<Received<A>> ireceiveAny(int from, int tag) {
        return new Pending<>(messages.ireceive(codec, from, tag).thenApply(Received::of));
    }

    private Codec<Integer> range(Slice<A> elements) {
        return codec.range(elements.array(), elements.offset(), elements.length());
    }
}
