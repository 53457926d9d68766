package dev.lockstep.decoder.shard;

import org.jspecify.annotations.Nullable;

import dev.lockstep.torch.ScalarType;

/**
 * The ranks that compute one model together, each with its {@link Shard}, as one of them sees them. All make the same calls
 * in the same order.
 */
public interface Replica {
    /** A rank that has the whole model. */
    Replica ALONE = new Replica() {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int size() {
            return 1;
        }

        @Override
        public void sum(long address, long count, ScalarType type) {
            // what this rank has is all there is
        }

        @Override
        public void gather(long address, long count, ScalarType type) {
            // the same
        }

        @Override
        public boolean isOrdered() {
            return true;
        }

        @Override
        public @Nullable PeerRoom peerRoom() {
            return null;
        }

        @Override
        public @Nullable Exchange exchange(long bytes) {
            return null;
        }

        @Override
        public long least(long value) {
            return value;
        }
    };

    /** This rank's number among them, from 0. */
    int rank();

    /** How many they are, at least 1. */
    int size();

    /**
     * Adds up what the ranks have, element by element, and gives it to all of them, the same to the last bit. On a GPU it
     * is handed to libtorch's current stream and not waited for, and may be recorded.
     *
     * @param address of this rank's elements, in the memory of its device; the sums take their place
     * @param count   of elements
     * @param type    FLOAT32, BFLOAT16 or FLOAT16
     */
    void sum(long address, long count, ScalarType type);

    /**
     * Gives every rank what all have; on a GPU, as {@link #sum} does. Not on CPU.
     *
     * @param address of room for {@code count} elements of each rank, by rank, where this rank's are
     */
    void gather(long address, long count, ScalarType type);

    /** Whether an element's sum is the same bits however many are summed with it, where these are whole 16 bytes. */
    boolean isOrdered();

    /** Through which kernels take sums of their own, the same as {@link #sum}'s to the bit; null where GPUs do not reach each other. */
    @Nullable
    PeerRoom peerRoom();

    /**
     * By which two ranks' GPUs give each other up to so many bytes at a time; null where they are more or do not reach each
     * other. Waits until all have asked for it.
     */
    @Nullable
    Exchange exchange(long bytes);

    /** The least of the ranks' numbers, for what they must decide alike; waits until all have told theirs. */
    long least(long value);
}
