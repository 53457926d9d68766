package dev.lockstep.host;

import java.util.Optional;
import java.util.OptionalLong;

/** When a job's command was given, which its launcher tells the ranks. */
public final class CommandTime {
    /** What the environment of a rank calls it. */
    public static final String VARIABLE = "LOCKSTEP_COMMAND_MILLIS";

    private CommandTime() {}

    /** What the launcher's script says, in milliseconds since 1970; empty where it cannot tell. */
    public static Optional<String> ofLauncher() {
        // the system's own time of a process's start is off by up to a second
        return Optional.ofNullable(System.getProperty("lockstep.command.millis")).filter(CommandTime::isTime);
    }

    /** When the command was given, in milliseconds since 1970 by the launcher's clock. */
    public static OptionalLong ofJob() {
        String given = System.getenv(VARIABLE);
        return given == null || !isTime(given) ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(given));
    }

    private static boolean isTime(String text) {
        return text.matches("\\d{1,18}");
    }
}
