package dev.lockstep.batch;

import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.world.World;

/** Has the launcher tell of a download, and keeps it from taking a long one for a hang. */
record WorldWatch(World world, String job) implements Watch {
    @Override
    public void say(String line) {
        world.status(job + ": " + line);
    }

    @Override
    public void progress(String line) {
        world.progress(job + ": " + line);
    }

    @Override
    public void alive() {
        world.alive();
    }
}
