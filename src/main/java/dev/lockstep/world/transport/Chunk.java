package dev.lockstep.world.transport;

/**
 * A piece of a value's bytes on its way. Values of any length are sent piece by piece, so neither side nor MPJ ever holds
 * more than a few pieces outside the value itself.
 *
 * @param buffer has {@link #HEADER} bytes to be written by whoever sends it on, then the payload
 * @param length of the payload; less than 0 where this many bytes say what comes through a {@link Pipe}
 * @param last   whether the value ends with it
 */
public record Chunk(byte[] buffer, int length, boolean last) {
    /** Before every payload: which group and call it belongs to, its length, whether it is the last. */
    public static final int HEADER = 16;
    /** A payload of so many bytes travels with its header; a longer one follows in a message of its own. */
    public static final int INLINE = 4096 - HEADER;
    /**
     * No payload is longer: while a rank reads one part, the next is on its way to it and the last on to others. MPJ takes
     * a direct buffer of the next power of two, its own header included, for every message under way and never gives it
     * back.
     */
    static final int MAX = (1 << 20) - 1024;

    /** Takes parts in order; the buffer is its giver's again afterwards. */
    public interface Sink {
        void put(Chunk part);
    }
}
