package dev.lockstep.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import dev.lockstep.cli.BuiltInJob;

/** The command line of {@code selftest}. */
@Command(name = "selftest", usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh [-np N] ", description = {"",
        "Tries every collective over every root and a table of awkward values, between the ranks there are.",
        ""}, footer = {"",
                "Exit codes: 0; 1 a check failed; 2 wrong usage."})
public final class SelftestCommandLine implements BuiltInJob {
    @Option(names = "--large", description = "Also send values of 65 MB.")
    private boolean large;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
    @SuppressWarnings("unused") // picocli answers it
    private boolean helpRequested;

    @Override
    public String name() {
        return "selftest";
    }

    @Override
    public String mainClass() {
        return SelftestJob.class.getName();
    }

    @Override
    public CommandLine commandLine() {
        return new CommandLine(this);
    }

    /** Whether values of 65 MB are wanted, once a command line has been checked. */
    boolean isLarge() {
        return large;
    }
}
