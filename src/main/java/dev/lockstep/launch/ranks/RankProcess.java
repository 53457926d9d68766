package dev.lockstep.launch.ranks;

/** A rank's process, on this host or on another. Its end is reported as an event. */
public interface RankProcess {
    /** The host it runs on, as far as is known by now. */
    String host();

    boolean isAlive();

    /** Whether there is a process yet: another host takes its time. */
    boolean isStarted();

    /**
     * Nanoseconds that it has run, or waited for a processor, since it began: of one that is frozen they stay what they are, and
     * of one whose host has too much to do they grow. Below 0 where that is not known; another host's is that of some calls ago.
     */
    long ran();

    /** Asks the rank and what it started to end, and notes them all: once a rank is gone its children are nobody's. */
    void end();

    /** Does so with what the rank started, but not with the rank. */
    void endChildren();

    /** Whether something that was asked to end, the rank or what it started, has not. */
    boolean isEnding();

    /** Kills those that were asked to end. */
    void kill();

    /** Waits until all the rank wrote has been passed on, however slow its reader is. */
    void drain();
}
