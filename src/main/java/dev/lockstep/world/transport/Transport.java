package dev.lockstep.world.transport;

/**
 * Bytes from rank to rank. Messages of one sender and tag arrive in order, and no tag holds another up; several threads
 * may send and receive at once. {@link MpjTransport} is MPJ Express's form of it.
 *
 * <p>
 * All methods throw {@link IllegalStateException} when the other rank cannot be reached; what becomes of the job then is for
 * the launcher to say.
 */
public interface Transport {
    /** Stands for every rank where a message is received. */
    int ANY = -1;

    /**
     * Returns when the bytes may be changed, which for long messages is not before the receiver takes them.
     * One of up to {@code Chunk.HEADER + Chunk.INLINE} bytes never waits: in a barrier all ranks send before they receive.
     *
     * @param length in bytes, from {@code offset} on; 0 is a message too
     * @param to     the receiver's rank
     * @param tag    which of this rank's messages the receiver means
     */
    void send(byte[] bytes, int offset, int length, int to, int tag);

    /**
     * Waits for a message.
     *
     * @param length in bytes, at least the message's: a longer one cannot be received
     * @param from   the sender's rank, or {@link #ANY}
     * @return the sender's rank
     */
    int receive(byte[] bytes, int offset, int length, int from, int tag);

    /** Whether a message with this tag, of any rank, would be received without waiting. */
    boolean isThere(int tag);

    /** This rank, from 0. */
    int rank();

    /** How many ranks there are. */
    int size();

    /** Waits until all ranks have called it, and is the last call. */
    void finish();
}
