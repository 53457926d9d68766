package dev.lockstep.mpj;

import java.nio.ByteBuffer;

/**
 * What is known of a message before it comes; sent instead of one that is too long to be sent before its receiver waits for it, that has serialized objects beside
 * its bytes, or whose sender wants to know that it is being received.
 *
 * @param number   the sender's, by which the receiver asks for the message
 * @param bytes    of the message without its objects
 * @param objects  bytes of its serialized objects
 * @param type     of the elements
 * @param elements how many there are
 */
record Announcement(long number, int bytes, int objects, int type, int elements) {
    static final int LENGTH = 24;
    /** Pieces of so many bytes under way together are faster than one message. */
    private static final int PIECE = 1 << 20;

    void write(ByteBuffer to, int offset) {
        to.putLong(offset, number).putInt(offset + 8, bytes).putInt(offset + 12, objects).putInt(offset + 16, type)
                .putInt(offset + 20, elements);
    }

    static Announcement read(ByteBuffer from, int offset) {
        return new Announcement(from.getLong(offset), from.getInt(offset + 8), from.getInt(offset + 12),
                from.getInt(offset + 16), from.getInt(offset + 20));
    }

    /** Takes a part of a message's memory that travels by itself. */
    interface Piece {
        void at(long address, int length, int index);
    }

    void eachPiece(Memory message, Memory serialized, Piece piece) {
        int index = 0;
        for (int part = 0; part < 2; part++) {
            Memory memory = part == 0 ? message : serialized;
            int length = part == 0 ? bytes : objects;
            for (int at = 0; at < length; at += PIECE) {
                piece.at(memory.address() + at, Math.min(PIECE, length - at), index++);
            }
        }
    }

    int pieces() {
        return pieces(bytes) + pieces(objects);
    }

    private static int pieces(int length) {
        return length / PIECE + (length % PIECE == 0 ? 0 : 1);
    }
}
