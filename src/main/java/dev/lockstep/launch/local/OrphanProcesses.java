package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import dev.lockstep.wire.RankEnvironment;

/**
 * What ranks have started and left behind. Once a rank is gone its children are nobody's, and some have left its session
 * long before; but each still has the environment it was started with, and in it the job's token.
 */
public final class OrphanProcesses {
    private static final long TERM_NANOS = TimeUnit.MILLISECONDS.toNanos(300);

    private OrphanProcesses() {}

    /** Asks them to end, then kills those that do not. */
    public static void end(String token, Collection<Integer> ranks) {
        List<ProcessHandle> left = of(token, ranks);
        left.forEach(ProcessHandle::destroy);
        long until = System.nanoTime() + TERM_NANOS;
        while (left.stream().anyMatch(process -> environment(process).length() > 1) && System.nanoTime() < until) {
            LockSupport.parkNanos(5_000_000L);
        }
        if (!left.isEmpty()) {
            of(token, ranks).forEach(ProcessHandle::destroyForcibly); // with what they have started meanwhile
        }
    }

    private static List<ProcessHandle> of(String token, Collection<Integer> ranks) {
        List<String> marks = ranks.stream().map(rank -> "\0LOCKSTEP_RANK=" + rank + "\0").toList();
        return ProcessHandle.allProcesses().filter(process -> {
            String environment = environment(process);
            return environment.contains("\0" + RankEnvironment.TOKEN + "=" + token + "\0")
                    && marks.stream().anyMatch(environment::contains);
        }).toList();
    }

    /** Each variable between two NULs; none of other users' processes, and of those that are over or only not reaped. */
    private static String environment(ProcessHandle process) {
        try {
            return "\0" + new String(Files.readAllBytes(Path.of("/proc", Long.toString(process.pid()), "environ")),
                    StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
