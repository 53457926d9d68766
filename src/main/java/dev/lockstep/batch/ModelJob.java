package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.model.ModelException;
import dev.lockstep.world.World;

/** The built-in {@code model}: says on rank 0 what a checkpoint is, or why it is none. */
public final class ModelJob {
    private ModelJob() {}

    /** {@code model MODEL [--fetch|--check]}. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            try {
                ModelCommandLine line = new ModelCommandLine();
                Optional<String> help = line.check(world.args());
                Watch watch = new WorldWatch(world, "model");
                if (help.isPresent()) {
                    world.print(help.get().stripTrailing());
                } else if (line.isFetched()) {
                    fetch(world, line.model(), watch);
                } else if (world.isRoot()) {
                    System.out.println(summary(line, watch));
                }
            } catch (ModelException | LibraryException | UsageException e) {
                world.abort(ExitCode.USAGE.code(), "model: " + e.getMessage());
            } catch (IOException e) {
                world.abort(ExitCode.FAILED.code(), "model: " + IoReason.of(e));
            }
        }
    }

    private static void fetch(World world, String model, Watch watch) {
        if (!Hub.isName(model)) {
            throw new UsageException(model + (Files.exists(Path.of(model))
                    ? " is here, so there is nothing to fetch"
                    : " is not the name of a model, which is org/name or org/name@revision"));
        }
        if (world.localRank() == 0) {
            Path directory = new Hub(System.getenv(), watch).newest(model);
            world.print(directory);
        }
    }

    private static String summary(ModelCommandLine line, Watch watch) throws IOException {
        if (line.isUntrusted()) {
            Path directory = new Hub(System.getenv(), watch).checkpoint(line.model());
            // read here only after it has done no harm there
            return ModelCheck.inItsOwnProcess(directory, ModelCheck.SECONDS) + "\n"
                    + memory(Checkpoint.open(directory), line);
        }
        if (!Hub.isName(line.model())) {
            return judged(line, Checkpoint.open(line.model()));
        }
        Path scratch = Files.createTempDirectory("model");
        Checkpoint checkpoint = Checkpoint.open(new Hub(System.getenv(), watch).outline(line.model(), scratch));
        return judged(line, checkpoint) + (checkpoint.directory().equals(scratch)
                ? "\nits weights are not downloaded yet, which --fetch does"
                : "\nit is in " + checkpoint.directory());
    }

    private static String judged(ModelCommandLine line, Checkpoint checkpoint) {
        return ModelCheck.summary(line.model(), checkpoint) + "\n" + memory(checkpoint, line);
    }

    private static String memory(Checkpoint checkpoint, ModelCommandLine line) {
        return ModelMemory.of(checkpoint, line.dtype()).lines(line.gpuGigabytes());
    }
}
