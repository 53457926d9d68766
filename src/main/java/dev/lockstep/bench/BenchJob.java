package dev.lockstep.bench;

import java.io.IOException;
import java.util.Optional;

import dev.lockstep.decoder.shard.ReplicaException;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.OutOfDeviceMemoryException;
import dev.lockstep.world.World;

/** The built-in {@code bench}: each of its subcommands measures one thing and prints a table on rank 0. */
public final class BenchJob {
    private BenchJob() {}

    /** {@code bench SUBCOMMAND [options]}. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            try {
                BenchCommandLine line = new BenchCommandLine();
                Optional<String> help = line.check(world.args());
                if (help.isPresent()) {
                    world.print(help.get().stripTrailing());
                } else {
                    line.measurement(world.args()).run(world);
                }
            } catch (ModelException | LibraryException | UsageException e) {
                world.abort(ExitCode.USAGE.code(), "bench: " + e.getMessage());
            } catch (IOException | ReplicaException e) {
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
