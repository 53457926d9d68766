package dev.lockstep.launch.ranks;

import java.io.IOException;

/** Brings the ranks of a job to life: on this host, over ssh, or through Slurm. */
public interface Spawner {
    /** Number of ranks. */
    int size();

    /**
     * Starts a rank. Called once for each, in order, by a thread that lives as long as the job.
     *
     * @throws IOException whose message is one sentence that names the rank or its host
     */
    RankProcess start(int rank) throws IOException;

    /**
     * Called when all ranks are gone and all has been said about it.
     *
     * @param code the job's exit code
     */
    void close(int code);
}
