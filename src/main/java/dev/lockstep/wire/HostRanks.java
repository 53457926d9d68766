package dev.lockstep.wire;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The ranks that are started together on one host.
 *
 * @param ranks          in the order of their local ranks
 * @param size           number of ranks in the job
 * @param firstLocalRank the local rank of the first of them
 * @param localSize      number of the job's ranks on that host
 * @param host           the host's name as it is to be reported; empty: as the host calls itself
 */
public record HostRanks(List<Integer> ranks, int size, int firstLocalRank, int localSize, String host) {
    public HostRanks {
        ranks = List.copyOf(ranks);
    }

    /** All ranks of a job on one host. */
    public static HostRanks all(int size, String host) {
        return new HostRanks(IntStream.range(0, size).boxed().toList(), size, 0, size, host);
    }
}
