package dev.lockstep.bench;

import dev.lockstep.host.ExitCode;
import dev.lockstep.world.World;

/** The built-in {@code hello}: rank 0 prints one line per rank, by rank. */
public final class HelloJob {
    private HelloJob() {}

    /** Takes no options. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            if (args.length > 0) {
                world.abort(ExitCode.USAGE.code(), "hello: it takes no options, not " + args[0]);
            }
            String line = "rank " + world.rank() + " of " + world.size() + " on " + world.host() + " pid "
                    + ProcessHandle.current().pid() + " device " + world.device();
            world.gather(line, String.class).ifPresent(lines -> lines.forEach(System.out::println));
        }
    }
}
