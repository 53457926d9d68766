package dev.lockstep.launch;

import org.jspecify.annotations.Nullable;

import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Signals;

/** A rank as the supervisor sees it; only its thread does. */
final class SupervisedRank {
    final int number;
    final RankProcess process;
    boolean linked;
    @Nullable
    Integer bye; // the code it has said
    @Nullable
    Integer exit; // its process's
    long exitSeen;
    long heard;

    SupervisedRank(int number, RankProcess process) {
        this.number = number;
        this.process = process;
    }

    /** Whether its process has ended and all it said has been heard. */
    boolean isDone() {
        return exit != null && !linked;
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
