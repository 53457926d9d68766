package dev.lockstep.launch;

/**
 * How long the launcher itself was held up, stopped or on a host with more to do than it can: whoever did not look cannot say
 * that the others were late. Times are of System.nanoTime.
 */
final class OwnPauses {
    private final long most;
    private long looked;

    /**
     * @param most between two looks of one that nothing holds up
     * @param now  counts as the first look
     */
    OwnPauses(long most, long now) {
        this.most = most;
        this.looked = now;
    }

    /** The time since the last look that the others are not to be charged with; 0 where nothing held this one up. */
    long look(long now) {
        long pause = now - looked;
        looked = now;
        return pause > most ? pause : 0;
    }
}
