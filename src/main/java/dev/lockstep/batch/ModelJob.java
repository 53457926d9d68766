package dev.lockstep.batch;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.FileName;
import dev.lockstep.host.UsageException;
import dev.lockstep.world.World;

/** The built-in {@code model}: says on rank 0 what a checkpoint is, or why it is none. */
@Command(name = "model", sortOptions = false, usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh ", customSynopsis = "model MODEL [--check]", description = {
        "", "Says what a checkpoint is and whether it can be used, without its weights.", ""}, footer = {"",
                "Exit codes: 0 it can be used; 2 it cannot, or wrong usage."})
public final class ModelJob {
    @Parameters(index = "0", paramLabel = "MODEL", description = "Hugging Face checkpoint directory.")
    private String model;

    @Option(names = "--check", description = "Check files from a source you do not trust: all of them are read and tried, tokenizer and chat template too, in a small JVM of its own, which they may crash.")
    private boolean check;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
    private boolean helpRequested;

    private ModelJob() {}

    /** {@code model MODEL [--check]}. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            ModelJob job = new ModelJob();
            CommandLine line = new CommandLine(job).setExpandAtFiles(false).setPosixClusteredShortOptionsAllowed(false);
            try {
                line.parseArgs(world.args());
                if (job.helpRequested) {
                    world.print(line.getUsageMessage(CommandLine.Help.Ansi.OFF).stripTrailing());
                } else if (world.isRoot()) {
                    job.run();
                }
            } catch (CommandLine.MissingParameterException | CommandLine.UnmatchedArgumentException e) {
                world.abort(ExitCode.USAGE.code(),
                        "model: give one checkpoint's directory and nothing but --check: model MODEL [--check]");
            } catch (ParameterException e) {
                world.abort(ExitCode.USAGE.code(), "model: " + CommandLineErrors.sentence(e));
            } catch (ModelException | LibraryException | UsageException e) {
                world.abort(ExitCode.USAGE.code(), "model: " + e.getMessage());
            }
        }
    }

    private void run() {
        var directory = FileName.of("MODEL", model);
        System.out.println(
                check ? ModelCheck.inItsOwnProcess(directory, ModelCheck.SECONDS) : ModelCheck.summary(directory));
    }
}
