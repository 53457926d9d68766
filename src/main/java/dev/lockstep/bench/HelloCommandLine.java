package dev.lockstep.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import dev.lockstep.cli.BuiltInJob;

/** The command line of {@code hello}. */
@Command(name = "hello", usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh [-np N] ", description = {"",
        "Prints one line for each rank: its host, its process and what it computes on.", ""})
public final class HelloCommandLine implements BuiltInJob {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
    @SuppressWarnings("unused") // picocli answers it
    private boolean helpRequested;

    @Override
    public String name() {
        return "hello";
    }

    @Override
    public String mainClass() {
        return HelloJob.class.getName();
    }

    @Override
    public CommandLine commandLine() {
        return new CommandLine(this);
    }
}
