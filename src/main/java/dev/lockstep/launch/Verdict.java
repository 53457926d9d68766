package dev.lockstep.launch;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;

/**
 * How the ranks of a job end.
 *
 * @param code  the exit code
 * @param line  for stderr, or null
 * @param death whether a rank or a host has died, so that the ranks may be started again
 */
record Verdict(int code, @Nullable String line, boolean death) {
    static Verdict death(int code, String line) {
        return new Verdict(code, said(line), !ExitCode.USAGE.is(code) && !ExitCode.SOME_ROWS_FAILED.is(code));
    }

    /** Something that would be the same again. */
    static Verdict end(ExitCode code, @Nullable String line) {
        return new Verdict(code.code(), said(line), false);
    }

    static String said(@Nullable String line) {
        return "mpjrun: " + line;
    }
}
