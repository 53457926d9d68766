package dev.lockstep.launch;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Signals;

/** A rank as the supervisor sees it; only its thread does. */
final class SupervisedRank {
    /** Times the silence of one that is frozen. */
    private static final int PATIENCE = 6;
    private static final int LOOKS = 10;
    private static final long LOOK_NANOS = 1_000_000_000L;
    /** Between two looks; what a thread takes that only wakes and sleeps is less. */
    private static final long LEAST_RUN_NANOS = 1_000_000L;

    final int number;
    final RankProcess process;
    boolean linked;
    @Nullable
    Integer bye; // the code it has said
    @Nullable
    Integer exit; // its process's
    long exitSeen;
    long heard;
    private long looked;
    private long ran = -1;
    private long ranAt;

    SupervisedRank(int number, RankProcess process) {
        this.number = number;
        this.process = process;
    }

    /** Whether its process has ended and all it said has been heard. */
    boolean isDone() {
        return exit != null && !linked;
    }

    /**
     * Whether it is dead to us: silent for so long, although its process has had nothing to do or could not go on. One that runs
     * or waits for a processor all the while is only held up, by its host or by itself, and is given {@link #PATIENCE} times
     * as long.
     *
     * @param now         by System.nanoTime
     * @param mostSilence nanoseconds
     */
    boolean isSilent(long now, long mostSilence) {
        long silence = now - heard;
        if (!linked || silence < mostSilence / 2) {
            ran = -1;
            ranAt = heard;
            looked = heard;
            return false;
        }
        if (now - looked > Math.min(mostSilence / LOOKS, LOOK_NANOS)) {
            looked = now;
            long before = ran;
            ran = process.ran();
            ranAt = before >= 0 && ran > before + LEAST_RUN_NANOS ? now : ranAt;
        }
        return silence > PATIENCE * mostSilence || silence > mostSilence && !isHeldUp(now, mostSilence);
    }

    private boolean isHeldUp(long now, long mostSilence) {
        return now - ranAt <= mostSilence / 2;
    }

    /** Of one that {@link #isSilent}, and for how long and why as far as is known. */
    String silence(long now, Duration most) {
        return isHeldUp(now, most.toNanos())
                ? "no heartbeat for " + Supervisor.seconds(most.multipliedBy(PATIENCE))
                        + ", although its process runs, or waits for a processor"
                : "no heartbeat for " + Supervisor.seconds(most) + ": its process is frozen, or its host is gone";
    }

    String failedFirst(@Nullable String cause) {
        return "rank " + number + " on host " + process.host() + " failed first: " + cause;
    }

    /** Of one that has not come to World.init. */
    String lastSeen() {
        return exit != null
                ? "on host " + process.host() + ", " + Signals.describe(exit)
                : process.isStarted()
                        ? "started on host " + process.host()
                                + ", its process is running, but has not connected: it has not called World.init"
                        : "its host has not started it yet";
    }
}
