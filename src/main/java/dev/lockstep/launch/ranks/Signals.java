package dev.lockstep.launch.ranks;

import java.util.Map;

import dev.lockstep.host.ExitCode;

/** What an exit code says. */
public final class Signals {
    private static final Map<Integer, String> NAMES = Map.ofEntries(Map.entry(1, "SIGHUP"), Map.entry(2, "SIGINT"),
            Map.entry(3, "SIGQUIT"), Map.entry(4, "SIGILL"), Map.entry(6, "SIGABRT"), Map.entry(7, "SIGBUS"),
            Map.entry(8, "SIGFPE"), Map.entry(9, "SIGKILL"), Map.entry(11, "SIGSEGV"), Map.entry(13, "SIGPIPE"),
            Map.entry(15, "SIGTERM"), Map.entry(24, "SIGXCPU"), Map.entry(31, "SIGSYS"));

    public static final int INTERRUPTED = ExitCode.ofSignal(2);
    public static final int OUTPUT_CLOSED = ExitCode.ofSignal(13);
    public static final int KILLED = ExitCode.ofSignal(9);
    public static final int TERMINATED = ExitCode.ofSignal(15);

    private Signals() {}

    /** In words; a signal by its name. */
    public static String describe(int exitCode) {
        int signal = ExitCode.signalIn(exitCode);
        String name = NAMES.get(signal);
        return name == null
                ? "exited with code " + exitCode
                : "killed by signal " + signal + " (" + name + ")";
    }
}
