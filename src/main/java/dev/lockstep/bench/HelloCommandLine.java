package dev.lockstep.bench;

import java.util.Optional;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.host.UsageException;

/** The command line of {@code hello}. */
@Command(name = "hello", usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh [-np N] ", description = {"",
        "Prints one line for each rank: its host, its process and what it computes on.", ""})
public final class HelloCommandLine implements BuiltInJob {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
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
}
