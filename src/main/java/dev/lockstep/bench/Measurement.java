package dev.lockstep.bench;

import java.io.IOException;

import dev.lockstep.host.UsageException;
import dev.lockstep.world.World;

/** What a subcommand of {@code bench} does between the ranks. */
interface Measurement {
    /** @throws UsageException when an option has a value that it cannot have */
    void check();

    void run(World world) throws IOException;
}
