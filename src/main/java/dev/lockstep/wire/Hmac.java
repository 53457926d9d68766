package dev.lockstep.wire;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * HMAC-SHA256 with one key (RFC 2104) over the JDK's SHA-256. The JDK's own Mac would first bring up what checks ciphers and
 * their policies, at every rank's start.
 */
final class Hmac {
    /** Of SHA-256. */
    private static final int BLOCK_BYTES = 64;
    private static final byte INNER = 0x36;
    private static final byte OUTER = 0x5c;

    private final MessageDigest inner = sha256();
    private final MessageDigest outer = sha256();
    private final byte[] key; // a block

    Hmac(byte[] key) {
        this.key = Arrays.copyOf(key.length > BLOCK_BYTES ? outer.digest(key) : key, BLOCK_BYTES);
        inner.update(pad(INNER));
    }

    /** Goes on with the message. */
    void update(byte[] part) {
        inner.update(part);
    }

    /** Goes on with the message. */
    void update(ByteBuffer part) {
        inner.update(part);
    }

    /** The tag of the message that ends with this; then the next message begins. */
    byte[] tag(byte[] last) {
        byte[] hash = inner.digest(last);
        inner.update(pad(INNER));
        outer.update(pad(OUTER));
        return outer.digest(hash);
    }

    private byte[] pad(byte with) {
        byte[] pad = key.clone();
        for (int i = 0; i < pad.length; i++) {
            pad[i] ^= with;
        }
        return pad;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
