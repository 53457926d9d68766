package dev.lockstep.decoder.shard;

/** What two ranks' GPUs give each other while their multiprocessors do something else. */
@FunctionalInterface
public interface Exchange {
    /** Places for what is under way. */
    int SLOTS = 4;

    /**
     * Gives the other rank bytes of this one, and has a stream wait until the other's are here. Both ranks make the same calls
     * in the same order. A slot is free again when a later exchange, in another one, has come from a rank that had done with
     * what it got.
     *
     * @param stream  its address
     * @param slot    below {@link #SLOTS}
     * @param address of this rank's, in its device's memory
     * @return where the other's are then, in this device's memory
     */
    long exchange(long stream, int slot, long address, long bytes);
}
