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
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;

import org.jspecify.annotations.Nullable;

/**
 * A control link on which both sides have shown that they know the job's token, which itself is never sent, and on which
 * nobody else can put in, change, leave out or repeat a message. What is said can be read by whoever sees the network.
 *
 * <p>
 * Whoever connects sends a nonce; the launcher answers with its own and an HMAC-SHA256 over both under the token, and gets
 * one back. From token and nonces follows a key for each direction. Then a frame of {@link Frames} goes with an HMAC over
 * its number on this link in this direction and its bytes. An end between two frames is no fault here: both sides take
 * an end before the last message of a job for a fault.
 */
public final class SealedLink implements Closeable {
    static final int NONCE_BYTES = 32;
    static final int TAG_BYTES = 32;
    private static final String LAUNCHER_KNOWS = "lockstep: the launcher knows the token";
    private static final String CALLER_KNOWS = "lockstep: the caller knows the token";
    private static final String TO_LAUNCHER = "lockstep: key to the launcher";
    private static final String FROM_LAUNCHER = "lockstep: key from the launcher";

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
        byte[] nonces = new byte[2 * NONCE_BYTES];
        byte[] own = nonce();
        Hmac mac = new Hmac(token.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().write(own);
        System.arraycopy(own, 0, nonces, 0, NONCE_BYTES);
        in.readFully(nonces, NONCE_BYTES, NONCE_BYTES);
        check(in, derive(mac, LAUNCHER_KNOWS, nonces), "what listens there is not this job's launcher");
        socket.getOutputStream().write(derive(mac, CALLER_KNOWS, nonces));
        return new SealedLink(socket, in, derive(mac, TO_LAUNCHER, nonces), derive(mac, FROM_LAUNCHER, nonces));
    }

    /**
     * The launcher's side of a connection.
     *
     * @throws IOException when the other side does not belong to the job
     */
    public static SealedLink accept(Socket socket, String token) throws IOException {
        DataInputStream in = input(socket);
        byte[] nonces = new byte[2 * NONCE_BYTES];
        in.readFully(nonces, 0, NONCE_BYTES);
        byte[] own = nonce();
        System.arraycopy(own, 0, nonces, NONCE_BYTES, NONCE_BYTES);
        Hmac mac = new Hmac(token.getBytes(StandardCharsets.UTF_8));
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        answer.write(own);
        answer.write(derive(mac, LAUNCHER_KNOWS, nonces));
        socket.getOutputStream().write(answer.toByteArray());
        check(in, derive(mac, CALLER_KNOWS, nonces), "it does not know the job's token");
        return new SealedLink(socket, in, derive(mac, FROM_LAUNCHER, nonces), derive(mac, TO_LAUNCHER, nonces));
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
        check(in, tag(opening, received++, frame), "a frame that is not the other side's next one");
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

    private static void check(DataInputStream in, byte[] expected, String otherwise) throws IOException {
        byte[] shown = new byte[TAG_BYTES];
        in.readFully(shown);
        if (!MessageDigest.isEqual(shown, expected)) {
            throw new IOException(otherwise);
        }
    }

    private static byte[] tag(Hmac mac, long number, byte[] frame) {
        mac.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
        return mac.tag(frame);
    }

    private static byte[] derive(Hmac mac, String purpose, byte[] nonces) {
        mac.update(purpose.getBytes(StandardCharsets.US_ASCII));
        return mac.tag(nonces);
    }

    private static byte[] nonce() {
        byte[] nonce = new byte[NONCE_BYTES];
        new SecureRandom().nextBytes(nonce);
        return nonce;
    }
}
