package dev.lockstep.wire;

import java.util.ArrayList;
import java.util.List;

/**
 * What there was of a job before these ranks of it were started.
 *
 * @param job      a name that no other job has, the same however often its ranks are started; empty where there is no launcher
 * @param restarts how often ranks have been started again
 * @param deaths   who died of what, a sentence each time, the latest last; of very many only the latest
 */
public record Past(String job, int restarts, List<String> deaths) {
    /** Of a rank that nobody starts again. */
    public static final Past NONE = new Past("", 0, List.of());
    /** They travel in a variable of each rank's environment, which has an end. */
    private static final int REMEMBERED = 100;
    private static final int LENGTH = 300;

    public Past {
        deaths = List.copyOf(deaths);
    }

    /** That of ranks which are started because others have died. */
    public Past after(String death) {
        List<String> all = new ArrayList<>(deaths);
        String line = death.strip().replaceAll("\\s*\\R\\s*", " ").replace("\0", "");
        all.add(line.substring(0, Math.min(line.length(), LENGTH)));
        return new Past(job, restarts + 1, all.subList(Math.max(0, all.size() - REMEMBERED), all.size()));
    }
}
