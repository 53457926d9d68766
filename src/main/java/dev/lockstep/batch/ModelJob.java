package dev.lockstep.batch;

import java.util.Optional;

import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.world.World;

/** The built-in {@code model}: says on rank 0 what a checkpoint is, or why it is none. */
public final class ModelJob {
    private ModelJob() {}

    /** {@code model MODEL [--check]}. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            try {
                ModelCommandLine line = new ModelCommandLine();
                Optional<String> help = line.check(world.args());
                if (help.isPresent()) {
                    world.print(help.get().stripTrailing());
                } else if (world.isRoot()) {
                    System.out.println(line.isUntrusted()
                            ? ModelCheck.inItsOwnProcess(line.directory(), ModelCheck.SECONDS)
                            : ModelCheck.summary(line.directory()));
                }
            } catch (ModelException | LibraryException | UsageException e) {
                world.abort(ExitCode.USAGE.code(), "model: " + e.getMessage());
            }
        }
    }
}
