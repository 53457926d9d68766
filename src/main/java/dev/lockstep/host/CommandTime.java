package dev.lockstep.host;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/** When a job's command was given, which its launcher tells the ranks. */
public final class CommandTime {
    /** What the environment of a rank calls it. */
    public static final String VARIABLE = "LOCKSTEP_COMMAND_MILLIS";

    private CommandTime() {}

    /** When this process began, in milliseconds since 1970; empty where the host does not tell. */
    public static Optional<Long> ofThisProcess() {
        return ProcessHandle.current().info().startInstant().map(Instant::toEpochMilli);
    }

    /** When the command was given, in milliseconds since 1970 by the launcher's clock. */
    public static OptionalLong ofJob() {
        String given = System.getenv(VARIABLE);
        return given == null || !given.matches("\\d{1,18}")
                ? OptionalLong.empty()
                : OptionalLong.of(Long.parseLong(given));
    }
}
