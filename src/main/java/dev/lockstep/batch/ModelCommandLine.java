package dev.lockstep.batch;

import java.nio.file.Path;
import java.util.Optional;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.UnmatchedArgumentException;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.host.FileName;
import dev.lockstep.host.UsageException;

/** The command line of {@code model}. */
@Command(name = "model", sortOptions = false, usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh ", customSynopsis = "model MODEL [--check]", description = {
        "", "Says what a checkpoint is and whether it can be used, without its weights.", ""}, footer = {"",
                "Exit codes: 0 it can be used; 2 it cannot, or wrong usage."})
public final class ModelCommandLine implements BuiltInJob {
    @Parameters(index = "0", paramLabel = "MODEL", description = "Hugging Face checkpoint directory.")
    private String model;

    @Option(names = "--check", description = "Check files from a source you do not trust: all of them are read and tried, tokenizer and chat template too, in a small JVM of its own, which they may crash.")
    private boolean check;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
    private boolean helpRequested;

    @Override
    public String name() {
        return "model";
    }

    @Override
    public String mainClass() {
        return ModelJob.class.getName();
    }

    @Override
    public CommandLine commandLine() {
        return new CommandLine(this).setExpandAtFiles(false).setPosixClusteredShortOptionsAllowed(false);
    }

    @Override
    public Optional<String> check(String... args) {
        CommandLine line = commandLine();
        try {
            line.parseArgs(args);
        } catch (MissingParameterException | UnmatchedArgumentException e) {
            throw new UsageException("give one checkpoint's directory and nothing but --check: model MODEL [--check]",
                    e);
        } catch (ParameterException e) {
            throw new UsageException(CommandLineErrors.sentence(e), e);
        }
        if (helpRequested) {
            return Optional.of(line.getUsageMessage(CommandLine.Help.Ansi.OFF));
        }
        directory();
        return Optional.empty();
    }

    /** Of the checkpoint, once a command line has been checked. */
    Path directory() {
        return FileName.of("MODEL", model);
    }

    /** Whether the files are to be tried in a process of their own. */
    boolean isUntrusted() {
        return check;
    }
}
