package dev.lockstep.mpj;

import java.nio.ByteBuffer;

/**
 * What goes before everything that one rank sends another over TCP.
 *
 * @param kind    what follows
 * @param context of the communicator
 * @param tag     of the message
 * @param what    the message is
 */
record TcpFrame(int kind, int context, int tag, Announcement what) {
    static final int LENGTH = 3 * Integer.BYTES + Announcement.LENGTH;

    /** A message, which follows. */
    static final int WHOLE = 0;
    /** A message, which the receiver is to ask for. */
    static final int ANNOUNCED = 1;
    /** The receiver asks for the announced message of this number. */
    static final int READY = 2;
    /** The message of this number, which follows. */
    static final int ASKED = 3;
    /** The sender has finished, and so its connection will end. */
    static final int BYE = 4;

    private static final Announcement NOTHING = new Announcement(0, 0, 0, 0, 0);

    static TcpFrame ready(long number) {
        return new TcpFrame(READY, 0, 0, new Announcement(number, 0, 0, 0, 0));
    }

    static TcpFrame bye() {
        return new TcpFrame(BYE, 0, 0, NOTHING);
    }

    /** The same message, asked for. */
    TcpFrame asked() {
        return new TcpFrame(ASKED, context, tag, what);
    }

    void write(ByteBuffer to) {
        to.putInt(kind).putInt(context).putInt(tag);
        what.write(to, to.position());
        to.position(to.position() + Announcement.LENGTH);
    }

    static TcpFrame read(ByteBuffer from) {
        int kind = from.getInt();
        int context = from.getInt();
        int tag = from.getInt();
        Announcement what = Announcement.read(from, from.position());
        from.position(from.position() + Announcement.LENGTH);
        return new TcpFrame(kind, context, tag, what);
    }
}
