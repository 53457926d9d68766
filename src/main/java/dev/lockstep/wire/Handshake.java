package dev.lockstep.wire;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;

/**
 * Both sides of a new connection have shown each other that they know the job's token, which itself is never sent, and who
 * they are. Whoever connects sends a nonce; the other answers with its own and an HMAC-SHA256 over its name and both nonces
 * under the token, and gets one over the caller's name back. A stranger learns nothing by which he could be either, and what
 * he has recorded is no answer to another nonce.
 */
public final class Handshake {
    static final int NONCE_BYTES = 32;
    static final int TAG_BYTES = 32;

    private final Hmac mac;
    private final byte[] nonces = new byte[2 * NONCE_BYTES];

    private Handshake(String token) {
        this.mac = new Hmac(token.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The side that has connected.
     *
     * @param listener what the other side is in this job, in words that no other has
     * @param caller   what this side is
     * @throws IOException when the other side does not show that it is the listener; nothing but a nonce has been sent then
     */
    public static Handshake call(DataInputStream in, OutputStream out, String token, String listener, String caller)
            throws IOException {
        Handshake shake = new Handshake(token);
        byte[] own = nonce();
        out.write(own);
        System.arraycopy(own, 0, shake.nonces, 0, NONCE_BYTES);
        in.readFully(shake.nonces, NONCE_BYTES, NONCE_BYTES);
        check(in, shake.key(knows(listener)), "what listens there is not this job's " + listener);
        out.write(shake.key(knows(caller)));
        return shake;
    }

    /**
     * The side that has been connected to.
     *
     * @throws IOException when the other side does not show that it is the caller
     */
    public static Handshake answer(DataInputStream in, OutputStream out, String token, String listener, String caller)
            throws IOException {
        Handshake shake = new Handshake(token);
        in.readFully(shake.nonces, 0, NONCE_BYTES);
        byte[] own = nonce();
        System.arraycopy(own, 0, shake.nonces, NONCE_BYTES, NONCE_BYTES);
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        answer.write(own);
        answer.write(shake.key(knows(listener)));
        out.write(answer.toByteArray());
        check(in, shake.key(knows(caller)), "it does not know the job's token");
        return shake;
    }

    /** 32 bytes that both sides can work out from the token and this connection's nonces, and nobody else. */
    public byte[] key(String purpose) {
        mac.update(("lockstep: " + purpose).getBytes(StandardCharsets.US_ASCII));
        return mac.tag(nonces);
    }

    private static String knows(String side) {
        return "the " + side + " knows the token";
    }

    static void check(DataInputStream in, byte[] expected, String otherwise) throws IOException {
        byte[] shown = new byte[TAG_BYTES];
        in.readFully(shown);
        if (!MessageDigest.isEqual(shown, expected)) {
            throw new IOException(otherwise);
        }
    }

    private static byte[] nonce() {
        byte[] nonce = new byte[NONCE_BYTES];
        new SecureRandom().nextBytes(nonce);
        return nonce;
    }
}
