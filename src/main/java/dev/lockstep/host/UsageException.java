package dev.lockstep.host;

/**
 * The command line or a file named on it stops the job before it starts; the process then leaves with code 2. The message
 * is one sentence that names the option or file and says what to do.
 */
public final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public UsageException(String sentence) {
        super(printable(sentence));
    }

    public UsageException(String sentence, Throwable cause) {
        super(printable(sentence), cause);
    }

    /** Names of files and options may hold anything. */
    private static String printable(String sentence) {
        return Printable.escaped(sentence.replaceAll("\\s*\\R\\s*", " "));
    }
}
