package dev.lockstep.model;

/** A checkpoint that cannot be used. The message is one sentence that names the file and, where there is one, the tensor. */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ModelException(String sentence) {
        super(sentence);
    }

    public ModelException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
