package dev.lockstep.djl;

import dev.lockstep.host.Printable;

/** A native library that cannot be loaded. The message is one sentence that says why and what to do. */
public final class LibraryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public LibraryException(String sentence) {
        super(Printable.sentence(sentence));
    }

    public LibraryException(String sentence, Throwable cause) {
        super(Printable.sentence(sentence), cause);
    }
}
