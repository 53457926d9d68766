package dev.lockstep.mpj;

import org.jspecify.annotations.Nullable;

/** A message that has come, or of which an announcement has, and that may have to wait for its receive. */
final class TcpArrival {
    private final int from;
    private final TcpFrame frame;
    private final @Nullable TcpConnection connection;
    private final @Nullable TcpSending own;
    private byte @Nullable [] bytes;
    private boolean onItsWay;
    private @Nullable TcpReceiving claimed;

    private TcpArrival(int from, TcpFrame frame, @Nullable TcpConnection connection, @Nullable TcpSending own) {
        this.from = from;
        this.frame = frame;
        this.connection = connection;
        this.own = own;
    }

    static TcpArrival by(TcpConnection connection, TcpFrame frame) {
        return new TcpArrival(connection.peer(), frame, connection, null);
    }

    /** A message of this rank to itself. */
    static TcpArrival own(int self, TcpFrame frame, TcpSending sending) {
        return new TcpArrival(self, frame, null, sending);
    }

    /** As {@link #own}, of which the sender knows no more. */
    static TcpArrival own(int self, TcpFrame frame, byte[] bytes) {
        TcpArrival message = new TcpArrival(self, frame, null, null);
        message.bytes = bytes;
        return message;
    }

    int from() {
        return from;
    }

    TcpFrame frame() {
        return frame;
    }

    /** Null: it is this rank's own. */
    @Nullable
    TcpConnection connection() {
        return connection;
    }

    @Nullable
    TcpSending own() {
        return own;
    }

    /** The message with its objects, once it is here; null: it is only announced, or this rank's own. */
    byte @Nullable [] bytes() {
        return bytes;
    }

    /** Its bytes will be here soon. */
    byte[] comes() {
        onItsWay = true;
        bytes = new byte[Math.addExact(frame.what().bytes(), frame.what().objects())];
        return bytes;
    }

    /** @return whether it can be received now; otherwise it is as soon as its bytes are here */
    boolean isFor(TcpReceiving receiving) {
        if (onItsWay) {
            claimed = receiving;
        }
        return !onItsWay;
    }

    /** @return the receive that has been waiting for its bytes, which are here now */
    @Nullable
    TcpReceiving came() {
        onItsWay = false;
        return claimed;
    }
}
