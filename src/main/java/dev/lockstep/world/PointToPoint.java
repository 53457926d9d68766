package dev.lockstep.world;

import java.util.Optional;

import com.fasterxml.jackson.core.type.TypeReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.world.verbs.JsonCodec;
import dev.lockstep.world.verbs.Messages;

/**
 * Messages from one rank of a {@link Group} to another. Each has a tag from 0 to 65,535; those of one sender with one tag
 * are received in the order in which they were sent. All of these may be called from any thread.
 */
public abstract sealed class PointToPoint permits ValueCollectives {
    /** Stands for every rank, or every tag, where a message is received (MPI_ANY_SOURCE, MPI_ANY_TAG). */
    public static final int ANY = Messages.ANY;

    private final Messages messages;

    PointToPoint(Messages messages) {
        this.messages = messages;
    }

    static <T> JsonCodec<T> codec(Class<T> type) {
        return JsonCodec.of(type);
    }

    static <T> JsonCodec<T> codec(TypeReference<T> type) {
        return JsonCodec.of(type.getType());
    }

    /**
     * Sends a value to one rank, which must {@link #receive} it (MPI_Send, {@code send}). May wait until it does.
     *
     * @param tag from 0 to 65,535; messages with one tag are received in the order in which they were sent
     */
    public <T> void send(@Nullable T value, Class<T> type, int to, int tag) {
        messages.send(value, codec(type), to, tag);
    }

    /** {@link #send(Object, Class, int, int)} for types with parameters. */
    public <T> void send(T value, TypeReference<T> type, int to, int tag) {
        messages.send(value, codec(type), to, tag);
    }

    /**
     * Waits for the value that a rank {@linkplain #send sends} with this tag (MPI_Recv, {@code recv}). Of messages that
     * would do, the first that came.
     *
     * @param from a rank, or {@link #ANY}
     * @param tag  of the message, or {@link #ANY}
     */
    public <T> T receive(Class<T> type, int from, int tag) {
        return messages.receive(codec(type), from, tag).value();
    }

    /** {@link #receive(Class, int, int)} for types with parameters. */
    public <T> T receive(TypeReference<T> type, int from, int tag) {
        return messages.receive(codec(type), from, tag).value();
    }

    /**
     * {@link #receive(Class, int, int)}, telling which message it was (MPI_Recv with a status).
     *
     * <pre>{@code
     * Received<Answer> answer = world.receiveAny(Answer.class, World.ANY, ANSWER);
     * world.send(next, Question.class, answer.status().rank(), QUESTION);
     * }</pre>
     */
    public <T> Received<T> receiveAny(Class<T> type, int from, int tag) {
        return Received.of(messages.receive(codec(type), from, tag));
    }

    /** {@link #receiveAny(Class, int, int)} for types with parameters. */
    public <T> Received<T> receiveAny(TypeReference<T> type, int from, int tag) {
        return Received.of(messages.receive(codec(type), from, tag));
    }

    /**
     * Looks for a message, of a value or of an array, that would be received without waiting for it to begin (MPI_Iprobe,
     * {@code iprobe}). It stays to be received, by this thread if no other one receives it.
     *
     * @param from a rank, or {@link #ANY}
     * @param tag  of the message, or {@link #ANY}
     */
    public Optional<Status> probe(int from, int tag) {
        return messages.probe(from, tag).map(Status::of);
    }

    /** Waits until {@link #probe} finds something (MPI_Probe, {@code probe}). */
    public Status awaitMessage(int from, int tag) {
        return Status.of(messages.awaitMessage(from, tag));
    }

    /**
     * Sends a value to one rank and receives one from another, which may be the same, while it does; so ranks that all send
     * before they receive do not wait for each other (MPI_Sendrecv, {@code sendrecv}).
     *
     * @param tag of both
     * @return what rank {@code from} has sent
     */
    public <T> T sendReceive(@Nullable T value, Class<T> type, int to, int from, int tag) {
        return messages.sendReceive(value, codec(type), to, from, tag);
    }

    /** {@link #sendReceive(Object, Class, int, int, int)} for types with parameters. */
    public <T> T sendReceive(T value, TypeReference<T> type, int to, int from, int tag) {
        return messages.sendReceive(value, codec(type), to, from, tag);
    }

    /**
     * Begins to {@link #send} and does not wait (MPI_Isend, {@code isend}). The value may be changed at once; its bytes are
     * in memory until they are sent. What goes to one rank with one tag goes in order.
     *
     * @return gives the number of those bytes
     */
    public <T> Pending<Long> isend(@Nullable T value, Class<T> type, int to, int tag) {
        return new Pending<>(messages.isend(value, codec(type), to, tag));
    }

    /** {@link #isend(Object, Class, int, int)} for types with parameters. */
    public <T> Pending<Long> isend(T value, TypeReference<T> type, int to, int tag) {
        return new Pending<>(messages.isend(value, codec(type), to, tag));
    }

    /**
     * Begins to {@link #receive} and does not wait (MPI_Irecv, {@code irecv}). What is begun first is given what comes first
     * of what would do for both.
     *
     * @param from a rank, or {@link #ANY}
     * @param tag  of the message, or {@link #ANY}
     */
    public <T> Pending<T> ireceive(Class<T> type, int from, int tag) {
        return new Pending<>(messages.ireceive(codec(type), from, tag).thenApply(Messages.Delivered::value));
    }

    /** {@link #ireceive(Class, int, int)} for types with parameters. */
    public <T> Pending<T> ireceive(TypeReference<T> type, int from, int tag) {
        return new Pending<>(messages.ireceive(codec(type), from, tag).thenApply(Messages.Delivered::value));
    }

    /** {@link #ireceive(Class, int, int)}, telling which message it was. */
    public <T> Pending<Received<T>> ireceiveAny(Class<T> type, int from, int tag) {
        return new Pending<>(messages.ireceive(codec(type), from, tag).thenApply(Received::of));
    }

    /** {@link #ireceiveAny(Class, int, int)} for types with parameters. */
    public <T> Pending<Received<T>> ireceiveAny(TypeReference<T> type, int from, int tag) {
        return new Pending<>(messages.ireceive(codec(type), from, tag).thenApply(Received::of));
    }
}
