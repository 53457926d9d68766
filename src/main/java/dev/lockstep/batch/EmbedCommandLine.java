package dev.lockstep.batch;

import java.util.Optional;

import picocli.CommandLine;

import dev.lockstep.cli.BuiltInJob;

/** The job {@code embed} as the launcher knows it. */
public final class EmbedCommandLine implements BuiltInJob {
    @Override
    public String name() {
        return GenerateOptions.EMBED;
    }

    @Override
    public String mainClass() {
        return EmbedJob.class.getName();
    }

    @Override
    public CommandLine commandLine() {
        return GenerateOptions.commandLine(name());
    }

    @Override
    public Optional<String> check(String... args) {
        GenerateOptions options = GenerateOptions.ofJob(name(), args);
        return options.helpRequested() ? Optional.of(options.usage()) : Optional.empty();
    }
}
