package dev.lockstep.world;

import dev.lockstep.world.verbs.Messages;

/**
 * Which message it was that came (MPI_Status, mpi4py's {@code Status}).
 *
 * @param rank  of its sender, in the group
 * @param tag   that it was sent with
 * @param bytes of what was sent: of an array its elements', of a value its JSON's; -1 when that is not known before all is
 *              read, which is so of values of more than 4,080 bytes that {@link PointToPoint#send} sends
 */
public record Status(int rank, int tag, long bytes) {
    static Status of(Messages.Delivered<?> message) {
        return new Status(message.from(), message.tag(), message.bytes());
    }
}
