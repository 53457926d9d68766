package dev.lockstep.model;

import dev.lockstep.host.Printable;
/**
 * A checkpoint that cannot be used. The message is one sentence that names the file and, where there is one, the tensor;
 * whatever it quotes is printable.
 */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /**
     * @param sentence with its full stop
     */
    public ModelException(String sentence) {
        super(Printable.sentence(sentence));
    }

    /** {@link #ModelException(String)} with what led to it. */
    public ModelException(String sentence, Throwable cause) {
        super(Printable.sentence(sentence), cause);
    }
}
