package dev.lockstep.host;

/**
 * How a job ends, for the shell and the scheduler. A program of one's own may end with any other code, and then that is
 * the job's.
 *
 * <table>
 * <caption>Exit codes</caption>
 * <tr><td>0</td><td>all is done</td></tr>
 * <tr><td>1</td><td>it failed: a rank that failed first with no code of its own, a host that was lost, a file that could
 * not be written</td></tr>
 * <tr><td>2</td><td>wrong usage, or input that stops the job before it starts</td></tr>
 * <tr><td>3</td><td>the job finished, but some rows failed</td></tr>
 * <tr><td>124</td><td>it took too long: the time-out, or a rank that hangs</td></tr>
 * <tr><td>128 + signal</td><td>the signal that killed the rank that failed first, or the launcher</td></tr>
 * </table>
 */
public enum ExitCode {
    DONE(0), FAILED(1), USAGE(2), SOME_ROWS_FAILED(3), TIMED_OUT(124);

    private static final int SIGNALS = 128;

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    public boolean is(int other) {
        return code == other;
    }

    /** What the shell reports for a process that a signal has killed. */
    public static int ofSignal(int signal) {
        return SIGNALS + signal;
    }

    /** The signal in such a code; below 1 in any other. */
    public static int signalIn(int code) {
        return code - SIGNALS;
    }
}
