package dev.lockstep.cli;

import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

import picocli.CommandLine;

import dev.lockstep.host.UsageException;

/** A job that comes with Lockstep, as the launcher knows it: it judges the job's options before any rank starts. */
public interface BuiltInJob {
    /** What users call it. */
    String name();

    /** The class that every rank runs. */
    String mainClass();

    /** Its options. */
    CommandLine commandLine();

    /**
     * Finds out whether ranks could begin with these arguments; as it stands, whether they are options of the job.
     *
     * @return what {@code --help} prints, where it is asked for
     * @throws UsageException in one sentence, when they could not
     */
    default Optional<String> check(String... args) {
        CommandLine line = commandLine();
        return CommandLineErrors.parse(line, args).isUsageHelpRequested()
                ? Optional.of(line.getUsageMessage(CommandLine.Help.Ansi.OFF))
                : Optional.empty();
    }

    /** All of them, by name. */
    static List<BuiltInJob> all() {
        return ServiceLoader.load(BuiltInJob.class).stream().map(ServiceLoader.Provider::get)
                .sorted((a, b) -> a.name().compareTo(b.name())).toList();
    }
}
