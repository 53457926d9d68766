package dev.lockstep.world;

import dev.lockstep.world.verbs.Messages;

/**
 * What a rank has received, and which message it was.
 *
 * @param <T> what was sent
 */
public record Received<T> (T value, Status status) {
    static <T> Received<T> of(Messages.Delivered<T> message) {
        return new Received<>(message.value(), Status.of(message));
    }
}
