package dev.lockstep.checkpoint.hub;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

import org.jspecify.annotations.Nullable;

/**
 * Checks what has come against the name that the hub gives it: SHA-256 of large files, git's SHA-1 of others. A hub that
 * names it otherwise leaves nothing to check but the size.
 */
final class ContentDigest {
    private static final int SHA1_DIGITS = 40;
    private static final int SHA256_DIGITS = 64;

    private final String name;
    // null: the name tells nothing
    private final @Nullable MessageDigest digest;

    /**
     * @param name the etag
     * @param size of the whole, in bytes
     */
    ContentDigest(String name, long size) {
        this.name = name;
        this.digest = !name.matches("[0-9a-f]+")
                ? null
                : name.length() == SHA256_DIGITS
                        ? algorithm("SHA-256")
                        : name.length() == SHA1_DIGITS ? algorithm("SHA-1") : null;
        if (digest != null && name.length() == SHA1_DIGITS) {
            digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static MessageDigest algorithm(String name) {
        try {
            return MessageDigest.getInstance(name);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has " + name, e);
        }
    }

    /** Whether there is anything to check it against. */
    boolean isKnown() {
        return digest != null;
    }

    void update(ByteBuffer bytes) {
        if (digest != null) {
            digest.update(bytes);
        }
    }

    /** Whether all that was given is what the name says; to be asked once. */
    boolean matches() {
        return digest == null || HexFormat.of().formatHex(digest.digest()).equals(name);
    }
}
