package dev.lockstep.world.rank;

import org.jspecify.annotations.Nullable;

/** How a rank ends, and the others with it or not. */
public interface Ending {
    /** @throws IllegalStateException once the world is closed */
    void checkOpen();

    /** From here on an ordinary end of the program is a good one. */
    void close();

    /** @param words said when something from outside ends the rank */
    void lastWords(Runnable words);

    /** Ends all ranks at once; does not return. */
    void abort(int code, @Nullable String cause);

    /** Ends this rank in good order; does not return. */
    void exit(int code);
}
