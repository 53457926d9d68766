package dev.lockstep.batch;

import java.lang.management.ManagementFactory;

import dev.lockstep.decoder.LoadTimes;
import dev.lockstep.generate.Generator;
import dev.lockstep.host.CommandTime;
import dev.lockstep.report.Report;

/**
 * Where a rank's time went before it generated.
 *
 * @param main milliseconds since 1970 at which its program began
 */
record StartTimes(long main) {
    /**
     * @param loading     when loading began, by {@link System#nanoTime()}
     * @param warmUp      seconds
     * @param firstTokens seconds
     */
    Report.Start report(Generator generator, long loading, double warmUp, double firstTokens) {
        double since = (System.nanoTime() - loading) / 1e9;
        double world = (System.currentTimeMillis() - main) / 1e3 - since;
        long process = ManagementFactory.getRuntimeMXBean().getStartTime();
        // hosts' clocks differ
        double launch = Math.max(0, (process - CommandTime.ofJob().orElse(process)) / 1e3);
        LoadTimes times = generator.loadTimes();
        return new Report.Start(launch, (main - process) / 1e3, world, generator.tokenizerSeconds(),
                times.librarySeconds(), times.weightsSeconds(), times.kernelsSeconds(), warmUp, firstTokens,
                generator.graphSeconds());
    }
}
