package dev.lockstep.world.rank;

import java.util.Arrays;
import java.util.Optional;

/** Exceptions that Lockstep throws at a program, whose message is a sentence for its author; a trace adds one line to that. */
final class OwnFault {
    private static final String OWN = "dev\\.lockstep\\.(world|host|json|djl|torch|cuda|device|checkpoint|tokenizer|decoder|generate"
            + "|prompts)\\..*";

    private OwnFault() {}

    /** The message and where in the program it comes from; empty for all other exceptions. */
    static Optional<String> sentence(Throwable error) {
        StackTraceElement[] trace = error.getStackTrace();
        String message = error.getMessage();
        if (message == null || trace.length == 0 || !trace[0].getClassName().matches(OWN)) {
            return Optional.empty();
        }
        return Optional.of(message + Arrays.stream(trace)
                .filter(frame -> !frame.getClassName().matches(OWN + "|java\\..*|jdk\\..*")).findFirst()
                .map(frame -> " (at " + frame.getClassName() + "." + frame.getMethodName() + ", " + frame.getFileName()
                        + " line " + frame.getLineNumber() + ")")
                .orElse(""));
    }
}
