package dev.lockstep.bench;

import java.util.Optional;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.world.World;

/** The built-in {@code hello}: rank 0 prints one line per rank, by rank. */
public final class HelloJob {
    private HelloJob() {}

    /** Takes no options. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            try {
                // no parser is loaded for a line that says nothing
                Optional<String> help = world.args().length == 0
                        ? Optional.empty()
                        : new HelloCommandLine().check(world.args());
                if (help.isPresent()) {
                    world.print(help.get().stripTrailing());
                    return;
                }
            } catch (UsageException e) {
                world.abort(ExitCode.USAGE.code(), "hello: " + e.getMessage());
            }
            String line = "rank " + world.rank() + " of " + world.size() + " on " + world.host() + " pid "
                    + ProcessHandle.current().pid() + " device " + world.device();
            world.gather(line, String.class).ifPresent(lines -> lines.forEach(System.out::println));
        }
    }
}
