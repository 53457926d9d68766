package dev.lockstep.batch;

import java.util.Optional;

import picocli.CommandLine;

import dev.lockstep.cli.BuiltInJob;

/** The job {@code generate} as the launcher knows it, and what is made of it. */
public class GenerateCommandLine implements BuiltInJob {
    private final String name;
    private final Class<?> main;

    /** Of {@code generate}. */
    public GenerateCommandLine() {
        this(GenerateOptions.GENERATE, GenerateJob.class);
    }

    /** @param name of a job whose options {@link GenerateOptions} has */
    GenerateCommandLine(String name, Class<?> main) {
        this.name = name;
        this.main = main;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String mainClass() {
        return main.getName();
    }

    @Override
    public CommandLine commandLine() {
        return GenerateOptions.commandLine(name);
    }

    @Override
    public Optional<String> check(String... args) {
        GenerateOptions options = GenerateOptions.ofJob(name, args);
        return options.helpRequested() ? Optional.of(options.usage()) : Optional.empty();
    }
}
