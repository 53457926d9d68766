package dev.lockstep.wire;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;

/**
 * A control link on which both sides have shown that they know the job's token, which itself is never sent, and on which
 * nobody else can put in, change, leave out or repeat a message. What is said can be read by whoever sees the network.
 *
 * <p>
 * After a {@link Handshake} there is a key for each direction. A frame of {@link Frames} goes with an HMAC-SHA256 over its
 * number on this link in this direction and its bytes. An end between two frames is no fault here: both sides take
 * an end before the last message of a job for a fault.
 */
public final class SealedLink implements Closeable {
    private static final String LAUNCHER = "launcher";
    private static final String CALLER = "caller";
    private static final String TO_LAUNCHER = "key to the launcher";
    private static final String FROM_LAUNCHER = "key from the launcher";

    private final Socket socket;
    private final DataInputStream in;
    private final Hmac sealing;
    private final Hmac opening;
    private long sent;
    private long received;

    private SealedLink(Socket socket, DataInputStream in, byte[] sealing, byte[] opening) {
        this.socket = socket;
        this.in = in;
        this.sealing = new Hmac(sealing);
        this.opening = new Hmac(opening);
    }

    /**
     * The side that has connected to the launcher.
     *
     * @throws IOException when the other side does not show that it is this job's launcher; nothing but a nonce has been
     *                     sent then
     */
    public static SealedLink connect(Socket socket, String token) throws IOException {
        DataInputStream in = input(socket);
        Handshake shake = Handshake.call(in, socket.getOutputStream(), token, LAUNCHER, CALLER);
        return new SealedLink(socket, in, shake.key(TO_LAUNCHER), shake.key(FROM_LAUNCHER));
    }

    /**
     * The launcher's side of a connection.
     *
     * @throws IOException when the other side does not belong to the job
     */
    public static SealedLink accept(Socket socket, String token) throws IOException {
        DataInputStream in = input(socket);
        Handshake shake = Handshake.answer(in, socket.getOutputStream(), token, LAUNCHER, CALLER);
        return new SealedLink(socket, in, shake.key(FROM_LAUNCHER), shake.key(TO_LAUNCHER));
    }

    /** @throws IOException also when the frame would exceed {@link Frames#MAX_BYTES}; nothing is written then */
    public synchronized void send(Message message) throws IOException {
        ByteArrayOutputStream frame = new ByteArrayOutputStream(128);
        Frames.write(frame, message);
        frame.write(tag(sealing, sent++, frame.toByteArray()));
        socket.getOutputStream().write(frame.toByteArray());
    }

    /**
     * The next message; one thread reads.
     *
     * @return null when the stream ends before a frame begins
     * @throws IOException when the bytes are not what the other side wrote at this place
     */
    public @Nullable Message read() throws IOException {
        byte[] frame = Frames.readBytes(in);
        if (frame == null) {
            return null;
        }
        Handshake.check(in, tag(opening, received++, frame), "a frame that is not the other side's next one");
        return Frames.read(new ByteArrayInputStream(frame));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private static DataInputStream input(Socket socket) throws IOException {
        InputStream stream = socket.getInputStream();
        return new DataInputStream(new BufferedInputStream(stream));
    }

    private static byte[] tag(Hmac mac, long number, byte[] frame) {
        mac.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
        return mac.tag(frame);
    }
}
