package dev.lockstep.cli;

import java.util.Comparator;
import java.util.Optional;

import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import dev.lockstep.host.Spelling;
import dev.lockstep.host.UsageException;

/** Says in one sentence what is wrong with a command line. */
public final class CommandLineErrors {
    private CommandLineErrors() {}

    /**
     * Parses a command line.
     *
     * @throws UsageException in one sentence, when it is wrong
     */
    public static CommandLine.ParseResult parse(CommandLine line, String... args) {
        try {
            return line.parseArgs(args);
        } catch (ParameterException e) {
            throw new UsageException(sentence(e), e);
        }
    }

    public static String sentence(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            return unmatched(unmatched.getUnmatched().get(0), e.getCommandLine());
        }
        if (e instanceof MissingParameterException missing && !missing.getMissing().isEmpty()) {
            var option = name(missing.getMissing().get(0));
            return option + " needs a value: " + option + " " + missing.getMissing().get(0).paramLabel();
        }
        if (e instanceof OverwrittenOptionException overwritten) {
            return name(overwritten.getOverwritten()) + " is given more than once; give it once";
        }
        if (e.getArgSpec() == null) {
            return String.valueOf(e.getMessage());
        }
        var type = e.getArgSpec().auxiliaryTypes()[0];
        var wanted = type == Double.class
                ? "a number"
                : type == Boolean.class || type == boolean.class
                        ? "no value"
                        : "a whole number of " + (type == Long.class ? 64 : 32) + " bits";
        return name(e.getArgSpec()) + " takes " + wanted + ", not " + e.getValue();
    }

    private static String name(ArgSpec option) {
        return ((OptionSpec) option).longestName();
    }

    private static String unmatched(String argument, CommandLine line) {
        var name = line.getCommandName();
        if (!argument.startsWith("-")) {
            return name + " takes options only, so it does not know what to do with " + argument
                    + (line.getCommandSpec().findOption("--prompts") == null
                            ? ""
                            : "; prompts are given with --prompts");
        }
        var option = argument.replaceFirst("=.*", "");
        return option + " is not an option of " + name + "; " + nearest(option, line)
                .map(known -> "did you mean " + known + "?").orElse("see " + name + " --help");
    }

    /** A misspelling keeps most of a name's letters or is its beginning; anything farther off would be a guess. */
    private static Optional<String> nearest(String option, CommandLine line) {
        var known = line.getCommandSpec().optionsMap().keySet().stream().filter(name -> name.startsWith("--")).toList();
        var begun = known.stream().filter(name -> option.length() > 3 && name.startsWith(option)).toList();
        if (begun.size() == 1) {
            return Optional.of(begun.get(0));
        }
        int allowed = Math.max(2, option.length() / 4);
        return known.stream().min(Comparator.comparingInt(name -> Spelling.distance(option, name)))
                .filter(name -> Spelling.distance(option, name) <= allowed);
    }
}
