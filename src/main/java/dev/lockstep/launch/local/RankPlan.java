package dev.lockstep.launch.local;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * One rank before it is started.
 *
 * @param rank        from 0
 * @param localRank   from 0, among the ranks of its host
 * @param host        where it runs
 * @param gpu         the GPU it sees, or empty
 * @param environment what is added to the launcher's own environment
 * @param command     the words of its command line
 * @param directory   its working directory
 */
public record RankPlan(int rank, int localRank, String host, String gpu, Map<String, String> environment,
        List<String> command, Path directory) {
    public RankPlan {
        environment = Map.copyOf(environment);
        command = List.copyOf(command);
    }
}
