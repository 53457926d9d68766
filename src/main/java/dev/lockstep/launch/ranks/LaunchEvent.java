package dev.lockstep.launch.ranks;

import dev.lockstep.wire.Message;

/** What the supervisor hears, from whatever thread, and takes in one at a time. */
public sealed interface LaunchEvent {
    /** A rank sent a message; its first is Hello. */
    record Said(int rank, Message message) implements LaunchEvent {}

    /** A rank's control link has ended. */
    record LinkLost(int rank) implements LaunchEvent {}

    /** A rank's process has ended, with 128 + signal when one killed it. */
    record Exited(int rank, int code) implements LaunchEvent {}

    /**
     * A host cannot be reached, refuses its ranks, or is lost with them.
     *
     * @param line one sentence for stderr that names the host
     * @param host that is gone; empty: none is, and starting again would be of no use
     */
    record Lost(int code, String line, String host) implements LaunchEvent {}

    /** Nobody reads our output any more. */
    record OutputClosed() implements LaunchEvent {}
}
