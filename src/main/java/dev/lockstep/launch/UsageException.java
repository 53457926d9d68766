package dev.lockstep.launch;

/** The command line asks for something that cannot be done; the message is one sentence for the user. */
final class UsageException extends RuntimeException {
    UsageException(String sentence) {
        super(sentence);
    }
}
