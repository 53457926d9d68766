package dev.lockstep.bench;

import java.io.IOException;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.torch.OutOfDeviceMemoryException;
import dev.lockstep.world.World;

/** The built-in {@code bench}: each of its subcommands measures one thing and prints a table on rank 0. */
@Command(name = "bench", mixinStandardHelpOptions = true, subcommands = {BenchCollectives.class, BenchDecode.class,
        BenchGenerate.class}, synopsisSubcommandLabel = "collectives|decode|generate", description = "Measures; each subcommand has --help.")
public final class BenchJob {
    /** What a subcommand does between the ranks. */
    interface Measurement {
        void run(World world) throws IOException;
    }

    private static final String WHAT = "name what to measure: collectives, decode or generate";

    private BenchJob() {}

    /** {@code bench SUBCOMMAND [options]}. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            CommandLine line = new CommandLine(new BenchJob());
            line.getSubcommands().values().forEach(sub -> sub.getCommandSpec().mixinStandardHelpOptions(true));
            try {
                CommandLine.ParseResult parsed = line.parseArgs(world.args());
                CommandLine.ParseResult last = parsed.hasSubcommand() ? parsed.subcommand() : parsed;
                if (last.isUsageHelpRequested()) {
                    world.print(last.commandSpec().commandLine().getUsageMessage(CommandLine.Help.Ansi.OFF));
                } else if (last.commandSpec().userObject()instanceof Measurement measurement) {
                    measurement.run(world);
                } else {
                    world.abort(ExitCode.USAGE.code(), "bench: " + WHAT);
                }
            } catch (UnmatchedArgumentException e) {
                world.abort(ExitCode.USAGE.code(), "bench: " + (e.getCommandLine() == line
                        ? WHAT + ", not " + e.getUnmatched().get(0)
                        : CommandLineErrors.sentence(e)));
            } catch (ParameterException e) {
                world.abort(ExitCode.USAGE.code(), "bench: " + CommandLineErrors.sentence(e));
            } catch (ModelException | LibraryException | UsageException e) {
                world.abort(ExitCode.USAGE.code(), "bench: " + e.getMessage());
            } catch (IOException e) {
                world.abort(ExitCode.FAILED.code(), "bench: " + e.getMessage());
            } catch (OutOfDeviceMemoryException e) {
                world.abort(ExitCode.FAILED.code(),
                        "bench: the memory of " + world.device() + " cannot hold the model with so many tokens: "
                                + "measure a smaller model, fewer rows at a time or shorter ones");
            }
        }
    }

    static void write(String file, Object figures) throws IOException {
        AtomicFile.write(file, out -> Json.pretty().writeValue(out, figures));
    }
}
