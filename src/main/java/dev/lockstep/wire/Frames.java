package dev.lockstep.wire;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import dev.lockstep.wire.Message.Bye;
import dev.lockstep.wire.Message.Failure;
import dev.lockstep.wire.Message.Hello;
import dev.lockstep.wire.Message.Over;
import dev.lockstep.wire.Message.Ports;
import dev.lockstep.wire.Message.Progress;
import dev.lockstep.wire.Message.Table;

/**
 * Messages as bytes: a frame is its length (4 bytes, big-endian), one byte for the kind and the fields in the record's
 * order. Strings are UTF-8 after their length.
 */
public final class Frames {
    /** No frame is longer, so that whoever connects by mistake cannot make us allocate. */
    public static final int MAX_BYTES = 1 << 20;

    private static final int HELLO = 1;
    private static final int PORTS = 2;
    private static final int TABLE = 3;
    private static final int FAILURE = 4;
    private static final int PROGRESS = 5;
    private static final int BYE = 6;
    private static final int OVER = 7;

    private Frames() {}

    /**
     * Writes one frame with a single call, so that writers which share a lock never mix frames.
     *
     * @throws IOException also when the frame would exceed {@link #MAX_BYTES}; nothing is written then
     */
    public static void write(OutputStream out, Message message) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(64);
        DataOutputStream body = new DataOutputStream(bytes);
        body.writeInt(0);
        encode(body, message);
        byte[] frame = bytes.toByteArray();
        int length = frame.length - Integer.BYTES;
        if (length > MAX_BYTES) {
            throw new IOException("a " + message.getClass().getSimpleName() + " of " + length
                    + " bytes is over the limit of " + MAX_BYTES);
        }
        for (int i = 0; i < Integer.BYTES; i++) {
            frame[i] = (byte) (length >>> 8 * (Integer.BYTES - 1 - i));
        }
        out.write(frame);
        out.flush();
    }

    /**
     * Reads one frame.
     *
     * @return the message, or null when the stream ends before a frame begins
     * @throws IOException when the bytes are no frame of ours, or the stream ends inside one
     */
    public static Message read(InputStream stream) throws IOException {
        int first = stream.read();
        if (first < 0) {
            return null;
        }
        DataInputStream in = new DataInputStream(stream);
        int length = first << 24 | in.readUnsignedByte() << 16 | in.readUnsignedShort();
        if (length < 1 || length > MAX_BYTES) {
            throw new IOException("a frame of " + length + " bytes");
        }
        byte[] frame = new byte[length];
        in.readFully(frame);
        DataInputStream body = new DataInputStream(new ByteArrayInputStream(frame));
        Message message = decode(body);
        if (body.available() > 0) {
            throw new IOException(body.available() + " bytes too many in a frame");
        }
        return message;
    }

    private static void encode(DataOutputStream out, Message message) throws IOException {
        if (message instanceof Hello hello) {
            out.writeByte(HELLO);
            writeString(out, hello.token());
            out.writeInt(hello.rank());
            out.writeLong(hello.pid());
            writeString(out, hello.host());
        } else if (message instanceof Ports ports) {
            out.writeByte(PORTS);
            out.writeInt(ports.readPort());
            out.writeInt(ports.writePort());
        } else if (message instanceof Table table) {
            out.writeByte(TABLE);
            out.writeInt(table.peers().size());
            for (Peer peer : table.peers()) {
                out.writeInt(peer.rank());
                writeString(out, peer.host());
                out.writeInt(peer.readPort());
                out.writeInt(peer.writePort());
            }
        } else if (message instanceof Failure failure) {
            out.writeByte(FAILURE);
            out.writeInt(failure.code());
            writeString(out, failure.cause());
        } else if (message instanceof Progress progress) {
            out.writeByte(PROGRESS);
            out.writeLong(progress.done());
            out.writeLong(progress.total());
            out.writeLong(progress.tokens());
            out.writeLong(progress.tokensToCome());
            out.writeDouble(progress.secondsElapsed());
        } else if (message instanceof Bye bye) {
            out.writeByte(BYE);
            out.writeInt(bye.exitCode());
        } else {
            out.writeByte(OVER);
        }
    }

    private static Message decode(DataInputStream in) throws IOException {
        int kind = in.readUnsignedByte();
        return switch (kind) {
            case HELLO -> new Hello(readString(in), in.readInt(), in.readLong(), readString(in));
            case PORTS -> new Ports(in.readInt(), in.readInt());
            case TABLE -> new Table(readPeers(in));
            case FAILURE -> new Failure(in.readInt(), readString(in));
            case PROGRESS -> new Progress(in.readLong(), in.readLong(), in.readLong(), in.readLong(), in.readDouble());
            case BYE -> new Bye(in.readInt());
            case OVER -> new Over();
            default -> throw new IOException("a frame of unknown kind " + kind);
        };
    }

    private static List<Peer> readPeers(DataInputStream in) throws IOException {
        int count = in.readInt();
        List<Peer> peers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            peers.add(new Peer(in.readInt(), readString(in), in.readInt(), in.readInt()));
        }
        return peers;
    }

    private static void writeString(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static String readString(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > in.available()) {
            throw new EOFException("a string of " + length + " bytes in a frame with " + in.available() + " left");
        }
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
