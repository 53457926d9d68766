package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.time.Duration;

import dev.lockstep.host.UsageException;

/** The pauses between attempts at one thing, each twice as long as the one before, or as long as the hub asks for. */
final class Pauses {
    /** Without anything gained in between; 31 seconds in all where the first pause has one. */
    private static final int MOST = 5;
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final Duration first;
    private final String what;
    private int taken;

    /**
     * @param what begins the sentence that ends it
     */
    Pauses(Duration first, String what) {
        this.first = first;
        this.what = what;
    }

    /** Something was gained: the next pause is the first again. */
    void gained() {
        taken = 0;
    }

    /**
     * Waits before the next attempt.
     *
     * @throws UsageException when there should be none
     */
    void next(IOException failure) {
        Duration asked = failure instanceof BusyException busy ? busy.pause().orElse(Duration.ZERO) : Duration.ZERO;
        if (asked.compareTo(LONGEST) > 0) {
            throw new UsageException(what + ": it asks to be left alone for " + asked.toMinutes()
                    + " minutes; try again then, or give a token in HF_TOKEN, which has a limit of its own", failure);
        }
        if (taken == MOST) {
            throw new UsageException(what + ", tried " + (MOST + 1) + " times: " + HubFault.reason(failure)
                    + "; what has come is kept, and the same command goes on from there", failure);
        }
        Duration pause = first.multipliedBy(1L << taken++);
        try {
            Thread.sleep((asked.compareTo(pause) > 0 ? asked : pause).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UsageException(what + ": interrupted", e);
        }
    }
}
