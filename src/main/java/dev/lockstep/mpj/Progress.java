package dev.lockstep.mpj;

import java.util.function.BooleanSupplier;

/** How a device gets on while a thread of the program waits for something. */
interface Progress {
    /** Returns when the condition is met, which is asked for whenever something has moved. */
    void until(BooleanSupplier done);

    /** Lets things move that can move now, if no other thread sees to that. */
    void once();

    /** Something that a thread may be waiting for has come to pass. */
    default void news() {
        // whoever waits looks by itself
    }

    /** Lets another rank run, if one wants to. */
    @SuppressWarnings("ThreadPriorityCheck")
    static void yieldProcessor() {
        Thread.yield();
    }
}
