package dev.lockstep.batch;

import java.util.Optional;

import picocli.CommandLine;

import dev.lockstep.cli.BuiltInJob;

/** The job {@code generate} as the launcher knows it. */
public final class GenerateCommandLine implements BuiltInJob {
    @Override
    public String name() {
        return GenerateOptions.GENERATE;
    }

    @Override
    public String mainClass() {
        return GenerateJob.class.getName();
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
