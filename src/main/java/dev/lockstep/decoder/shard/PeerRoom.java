package dev.lockstep.decoder.shard;

/**
 * Memory that the GPUs of a replica's ranks write to in the middle of kernels, all zeros to begin with. It begins with the
 * addresses of all ranks' pieces, by rank, for whom {@link #ADDRESS_BYTES} are; what comes then is the kernels' own.
 *
 * @param address of this rank's
 * @param bytes   of it
 */
public record PeerRoom(long address, long bytes) {
    /** Of what it begins with. */
    public static final int ADDRESS_BYTES = 1 << 10;
}
