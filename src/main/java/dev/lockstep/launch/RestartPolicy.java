package dev.lockstep.launch;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.UsageException;

/** Whether ranks are started again once one has died, and when. Times are of System.nanoTime. */
final class RestartPolicy {
    /** Ranks that have lived for so long, or have got something done, did not die at once. */
    private static final Duration AT_ONCE = Duration.ofSeconds(10);
    private static final long MOST_SECONDS = 30;

    private final int most;
    private final int least;
    private final @Nullable Duration window;
    private final Deque<Long> restarts = new ArrayDeque<>();
    private int diedAtOnce; // times in a row

    /**
     * @param most   times, in all or within the window
     * @param least  ranks to go on with, where there is no room for as many as before; 0: no fewer
     * @param window null: all restarts count
     */
    RestartPolicy(int most, int least, @Nullable Duration window) {
        this.most = most;
        this.least = least;
        this.window = window;
    }

    boolean isOn() {
        return most > 0;
    }

    /**
     * How many ranks are started where some hosts are gone.
     *
     * @param wanted as many as there were at first
     * @param room   on the hosts that are left
     * @param gone   the others
     * @throws UsageException when too few would be
     */
    int ranks(int wanted, int room, Collection<String> gone) {
        if (room >= wanted || room > 0 && least > 0 && room >= least) {
            return Math.min(room, wanted);
        }
        throw new UsageException((gone.size() == 1 ? "host " : "hosts ") + String.join(", ", gone)
                + (gone.size() == 1 ? " does not answer" : " do not answer") + ", and the others have room for " + room
                + " of " + wanted + " ranks"
                + (least == 0 ? " (--min-ranks M goes on with M or more)" : ", fewer than --min-ranks " + least));
    }

    /** How many restarts count by now. */
    int used(long now) {
        while (window != null && !restarts.isEmpty() && now - restarts.getFirst() > window.toNanos()) {
            restarts.removeFirst();
        }
        return restarts.size();
    }

    boolean allows(long now) {
        return used(now) < most;
    }

    /**
     * Counts a restart.
     *
     * @param began  when the ranks that are dead now were started
     * @param worked whether they had got something done
     * @return how long to wait with it: not at all, but for ranks that died at once; longer each time that they do so again
     */
    Duration restart(long began, boolean worked, long now) {
        restarts.addLast(now);
        diedAtOnce = worked || now - began > AT_ONCE.toNanos() ? 0 : diedAtOnce + 1;
        return Duration.ofSeconds(
                diedAtOnce == 0 ? 0 : Math.min(MOST_SECONDS, 1L << Math.min(diedAtOnce - 1, Integer.SIZE)));
    }

    /** Such as {@code restart 2 of 3}, of the one that was counted last. */
    String count(long now) {
        return "restart " + used(now) + " of " + most
                + (window == null ? "" : " within " + Supervisor.seconds(window));
    }
}
