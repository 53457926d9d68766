package dev.lockstep.batch;

import dev.lockstep.decoder.LoadTimes;
import dev.lockstep.generate.Generator;
import dev.lockstep.host.CommandTime;
import dev.lockstep.report.Report;

/**
 * Where a rank's time went before it generated.
 *
 * @param command milliseconds since 1970 at which the job's command was given, 0 where nobody knows
 * @param process the same of this JVM's start
 * @param main    the same of its program's
 */
record StartTimes(long command, long process, long main) {
    /** For a program that begins now. */
    static StartTimes now() {
        long now = System.currentTimeMillis();
        return new StartTimes(CommandTime.ofJob().orElse(0), CommandTime.ofThisProcess().orElse(now), now);
    }

    /**
     * @param loading     when loading began, by {@link System#nanoTime()}
     * @param warmUp      seconds
     * @param firstTokens seconds
     */
    Report.Start report(Generator generator, long loading, double warmUp, double firstTokens) {
        double since = (System.nanoTime() - loading) / 1e9;
        double world = (System.currentTimeMillis() - main) / 1e3 - since;
        LoadTimes times = generator.loadTimes();
        // hosts' clocks differ
        return new Report.Start(command == 0 ? 0 : Math.max(0, (process - command) / 1e3), (main - process) / 1e3,
                world, generator.tokenizerSeconds(), times.librarySeconds(), times.weightsSeconds(),
                times.kernelsSeconds(), warmUp, firstTokens, generator.graphSeconds());
    }
}
