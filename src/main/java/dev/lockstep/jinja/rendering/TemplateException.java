package dev.lockstep.jinja.rendering;

/** A template that cannot be parsed, or that cannot be rendered with these values; the message is one sentence. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public TemplateException(String message) {
        super(message);
    }

    public TemplateException(String message, Throwable cause) {
        super(message, cause);
    }
}
