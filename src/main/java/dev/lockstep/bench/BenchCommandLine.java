package dev.lockstep.bench;

import java.util.Optional;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.host.UsageException;

/** The command line of {@code bench}, whose subcommands are what it measures. */
@Command(name = "bench", mixinStandardHelpOptions = true, subcommands = {BenchCollectives.class, BenchDecode.class,
        BenchGenerate.class}, synopsisSubcommandLabel = "collectives|decode|generate", description = "Measures; each subcommand has --help.")
public final class BenchCommandLine implements BuiltInJob {
    private static final String WHAT = "name what to measure: collectives, decode or generate";

    @Override
    public String name() {
        return "bench";
    }

    @Override
    public String mainClass() {
        return BenchJob.class.getName();
    }

    @Override
    public CommandLine commandLine() {
        CommandLine line = new CommandLine(this);
        line.getSubcommands().values().forEach(sub -> sub.getCommandSpec().mixinStandardHelpOptions(true));
        return line;
    }

    @Override
    public Optional<String> check(String... args) {
        CommandLine.ParseResult parsed = parse(args);
        if (parsed.isUsageHelpRequested()) {
            return Optional.of(parsed.commandSpec().commandLine().getUsageMessage(CommandLine.Help.Ansi.OFF));
        }
        measurement(parsed).check();
        return Optional.empty();
    }

    /**
     * What is to be measured.
     *
     * @throws UsageException in one sentence, when the command line does not say so
     */
    Measurement measurement(String... args) {
        return measurement(parse(args));
    }

    private static Measurement measurement(CommandLine.ParseResult parsed) {
        if (parsed.commandSpec().userObject()instanceof Measurement measurement) {
            return measurement;
        }
        throw new UsageException(WHAT);
    }

    /** The subcommand's part, where there is one. */
    private CommandLine.ParseResult parse(String... args) {
        CommandLine line = commandLine();
        try {
            CommandLine.ParseResult parsed = line.parseArgs(args);
            return parsed.hasSubcommand() ? parsed.subcommand() : parsed;
        } catch (UnmatchedArgumentException e) {
            throw new UsageException(e.getCommandLine() == line
                    ? WHAT + ", not " + e.getUnmatched().get(0)
                    : CommandLineErrors.sentence(e), e);
        } catch (ParameterException e) {
            throw new UsageException(CommandLineErrors.sentence(e), e);
        }
    }
}
