package dev.lockstep.decoder.shard;

import org.jspecify.annotations.Nullable;

/** Ranks that compute a model together cannot go on; the message is a sentence for the user. */
public final class ReplicaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ReplicaException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
