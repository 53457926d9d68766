package dev.lockstep.grammar;

/** A grammar that is none, or asks for what is not done here; its message is the end of a sentence about it. */
public final class GrammarException extends RuntimeException {
    private static final long serialVersionUID = 1;

    GrammarException(String message) {
        super(message);
    }
}
