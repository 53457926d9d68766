package dev.lockstep.job;

import java.util.concurrent.Callable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

import dev.lockstep.world.World;

/** The built-in {@code bench}: one subcommand for each thing that is measured. */
@Command(name = "bench", synopsisHeading = "Usage: mpjrun.sh [-np N] ", synopsisSubcommandLabel = "WHAT", description = {
        "", "Measures what the ranks can do.", ""})
public final class Bench {
    private Bench() {}

    /** {@code bench WHAT [options]}; every subcommand is a Callable that gives the exit code. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            CommandLine line = new CommandLine(new Bench()).addSubcommand(new BenchCollectives(world));
            try {
                CommandLine what = line.parseArgs(args).subcommand() == null
                        ? line
                        : line.getParseResult().subcommand().commandSpec().commandLine();
                if (what == line && args.length == 0) {
                    world.abort(2, "bench: name what to measure: " + String.join(", ", line.getSubcommands().keySet()));
                } else if (what == line || what.isUsageHelpRequested()) {
                    world.print(what.getUsageMessage().stripTrailing());
                } else {
                    int code = what.<Callable<Integer>>getCommand().call();
                    if (code != 0) {
                        world.exit(code);
                    }
                }
            } catch (ParameterException e) {
                world.abort(2, "bench: " + e.getMessage().lines().findFirst().orElse("see --help"));
            } catch (UsageException e) {
                world.abort(2, "bench: " + e.getMessage());
            } catch (Exception e) {
                throw new IllegalStateException("bench failed: " + e.getMessage(), e);
            }
        }
    }
}
