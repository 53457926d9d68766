package dev.lockstep.world;

import java.util.List;
import java.util.concurrent.CompletableFuture;

import dev.lockstep.world.verbs.Messages;

/**
 * A message that is under way while the rank goes on: what {@link Group#isend} or {@link Group#ireceive} has begun (MPI's
 * Request). Each must be {@linkplain #await awaited} before the world is closed.
 *
 * @param <T> what is received; of what is sent the number of bytes
 */
public final class Pending<T> {
    private final CompletableFuture<T> message;

    Pending(CompletableFuture<T> message) {
        this.message = message;
    }

    /** Whether {@link #await} would not wait. */
    public boolean isDone() {
        return message.isDone();
    }

    /**
     * Waits until the message has been received, or, of one that is sent, until its receiver has it or MPJ holds it.
     *
     * @return what was received; of what was sent the number of bytes
     * @throws RuntimeException what send or receive would have thrown
     */
    public T await() {
        return Messages.await(message);
    }

    private CompletableFuture<Boolean> ended() {
        return message.handle((value, failure) -> true);
    }

    /**
     * Waits for all of them (MPI_Waitall).
     *
     * @return what each has received, in their order
     */
    public static <T> List<T> awaitAll(List<Pending<T>> messages) {
        return messages.stream().map(Pending::await).toList();
    }

    /**
     * Waits for the first of them that is done (MPI_Waitany), which {@link #await} then gives.
     *
     * @return its place in the list
     * @throws IllegalArgumentException when the list is empty
     */
    public static int awaitAny(List<? extends Pending<?>> messages) {
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("awaitAny: there is no message to wait for");
        }
        CompletableFuture.anyOf(messages.stream().map(Pending::ended)
                .toArray(CompletableFuture[]::new)).join();
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).isDone()) {
                return i;
            }
        }
        throw new AssertionError("one was done");
    }
}
