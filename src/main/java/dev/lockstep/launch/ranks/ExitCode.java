package dev.lockstep.launch.ranks;

import java.util.Map;

/** What an exit code says. */
public final class ExitCode {
    /** Something did not come or end in time; the code is that of timeout(1). */
    public static final int TIMED_OUT = 124;
    private static final Map<Integer, String> NAMES = Map.ofEntries(Map.entry(1, "SIGHUP"), Map.entry(2, "SIGINT"),
            Map.entry(3, "SIGQUIT"), Map.entry(4, "SIGILL"), Map.entry(6, "SIGABRT"), Map.entry(7, "SIGBUS"),
            Map.entry(8, "SIGFPE"), Map.entry(9, "SIGKILL"), Map.entry(11, "SIGSEGV"), Map.entry(13, "SIGPIPE"),
            Map.entry(15, "SIGTERM"), Map.entry(24, "SIGXCPU"), Map.entry(31, "SIGSYS"));

    private ExitCode() {}

    /** In words; codes above 128 are signals by the shell's custom. */
    public static String describe(int exitCode) {
        String name = NAMES.get(exitCode - 128);
        return name == null
                ? "exited with code " + exitCode
                : "killed by signal " + (exitCode - 128) + " (" + name + ")";
    }
}
