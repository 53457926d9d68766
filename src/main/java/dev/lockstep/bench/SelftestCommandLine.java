package dev.lockstep.bench;

import java.util.Optional;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.host.UsageException;

/** The command line of {@code selftest}. */
@Command(name = "selftest", usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh [-np N] ", description = {"",
        "Tries every collective over every root and a table of awkward values, between the ranks there are.",
        ""}, footer = {"",
                "Exit codes: 0; 1 a check failed; 2 wrong usage."})
public final class SelftestCommandLine implements BuiltInJob {
    @Option(names = "--large", description = "Also send values of 65 MB.")
    private boolean large;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
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

    @Override
    public Optional<String> check(String... args) {
        CommandLine line = commandLine();
        try {
            line.parseArgs(args);
        } catch (ParameterException e) {
            throw new UsageException(CommandLineErrors.sentence(e), e);
        }
        return helpRequested ? Optional.of(line.getUsageMessage(CommandLine.Help.Ansi.OFF)) : Optional.empty();
    }

    /** Whether values of 65 MB are wanted, once a command line has been checked. */
    boolean isLarge() {
        return large;
    }
}
