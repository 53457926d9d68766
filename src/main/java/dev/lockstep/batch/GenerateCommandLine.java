package dev.lockstep.batch;

import java.util.Optional;

import picocli.CommandLine;

import dev.lockstep.cli.BuiltInJob;

/** The job {@code generate} as the launcher knows it. */
public final class GenerateCommandLine implements BuiltInJob {
    @Override
    public String name() {
        return "generate";
    }

    @Override
    public String mainClass() {
        return GenerateJob.class.getName();
    }

    @Override
    public CommandLine commandLine() {
        return GenerateOptions.commandLine();
    }

    @Override
    public Optional<String> check(String... args) {
        return GenerateOptions.parse(args).helpRequested() ? Optional.of(GenerateOptions.usage()) : Optional.empty();
    }
}
