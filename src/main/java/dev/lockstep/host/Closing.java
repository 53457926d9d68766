package dev.lockstep.host;

import java.io.Closeable;
import java.io.IOException;

/** The end of what nobody needs any more. */
public final class Closing {
    private Closing() {}

    /** Closes it; that this fails tells nobody anything, since it is gone either way. */
    public static void quietly(Closeable closeable) {
        try {
            closeable.close();
        } catch (IOException e) {
            // as above
        }
    }
}
