package dev.lockstep.batch;

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
import dev.lockstep.model.DType;

/** The command line of {@code model}. */
@Command(name = "model", sortOptions = false, usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh ", customSynopsis = "model MODEL [--fetch|--check] [options]", description = {
        "", "Says what a checkpoint is, what it takes and whether it can be used, without loading its weights.",
        ""}, footer = {"", "Exit codes: 0 it can be used; 2 it cannot, or wrong usage."})
public final class ModelCommandLine implements BuiltInJob {
    private static final double MOST_GIGABYTES = 1e6;

    @Parameters(index = "0", paramLabel = "MODEL", description = "Hugging Face checkpoint: a directory, or org/name[@revision] on the hub.")
    private String model;

    @Option(names = "--fetch", description = "Only download what is missing or newer on the hub, on every host of the job, and print the directory.")
    private boolean fetch;

    @Option(names = "--check", description = "Check files from a source you do not trust: all of them are read and tried, tokenizer and chat template too, in a small JVM of its own, which they may crash.")
    private boolean check;

    @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "auto", description = "The type on the GPU: auto, float32, bfloat16 or float16; auto: the checkpoint's (auto).")
    private String dtype;

    @Option(names = "--gpu-memory", paramLabel = "GB", defaultValue = "80", description = "Memory of the GPU (${DEFAULT-VALUE}).")
    private double gpuMemory;

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
            String what = e instanceof UnmatchedArgumentException unmatched
                    && unmatched.getUnmatched().get(0).startsWith("-")
                            ? CommandLineErrors.sentence(unmatched)
                            : "give one checkpoint: model MODEL [--fetch|--check] [options]";
            throw new UsageException(what, e);
        } catch (ParameterException e) {
            throw new UsageException(CommandLineErrors.sentence(e), e);
        }
        if (helpRequested) {
            return Optional.of(line.getUsageMessage(CommandLine.Help.Ansi.OFF));
        }
        FileName.of("MODEL", model);
        if (fetch && check) {
            throw new UsageException("--fetch only downloads, so give it without --check");
        }
        if (!(gpuMemory > 0 && gpuMemory < MOST_GIGABYTES)) {
            throw new UsageException("--gpu-memory must be a number of gigabytes above 0, not " + gpuMemory);
        }
        dtype();
        return Optional.empty();
    }

    /** The checkpoint's directory or its name on the hub, once a command line has been checked. */
    String model() {
        return model;
    }

    /** Whether it is only to be downloaded. */
    boolean isFetched() {
        return fetch;
    }

    /** Whether the files are to be tried in a process of their own. */
    boolean isUntrusted() {
        return check;
    }

    /** The type to compute in; empty for the checkpoint's. */
    Optional<DType> dtype() {
        try {
            return dtype.equals("auto") ? Optional.empty() : Optional.of(DType.parse(dtype));
        } catch (IllegalArgumentException e) {
            throw new UsageException("--dtype must be auto, float32, bfloat16 or float16, not " + dtype, e);
        }
    }

    /** Memory of the GPU in question. */
    double gpuGigabytes() {
        return gpuMemory;
    }
}
