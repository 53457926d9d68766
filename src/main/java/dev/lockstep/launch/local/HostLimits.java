package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * What the ranks of one host may use of it together.
 *
 * @param processors at least 1
 * @param memory     bytes, or 0 when nothing but the machine limits it
 */
public record HostLimits(int processors, long memory) {
    private static final long MEGABYTE = 1L << 20;
    /**
     * Programs that compute, or wait for each other, may well have more ranks than processors; but JVMs beyond this take
     * turns at starting for longer than anybody waits.
     */
    private static final int RANKS_PER_PROCESSOR = 8;
    private static final int FEWEST_RANKS = 16;
    /** What a rank takes that does nothing but join the others. */
    private static final long RANK_BYTES = 64 * MEGABYTE;
    /** What cgroup v1 shows as "no limit" is the largest multiple of a page. */
    private static final long NO_LIMIT = 1L << 60;

    /**
     * The cgroups this process is in, all the way up, because a Java 17 runtime looks at the innermost only while batch
     * systems set limits further out; then what Slurm's variables say, because not every cluster enforces it.
     *
     * @param available   processors as the Java runtime counts them
     * @param root        the directory that has /proc and /sys
     * @param environment this process's variables
     * @param tasks       the tasks of this host, of which this process is one
     */
    public static HostLimits detect(int available, Path root, Map<String, String> environment, int tasks) {
        long processors = available;
        long memory = NO_LIMIT;
        for (Path group : groups(root)) {
            memory = Math.min(memory, number(group, "memory.max"));
            memory = Math.min(memory, number(group, "memory.limit_in_bytes"));
            String[] max = read(group.resolve("cpu.max")).split(" ");
            processors = Math.min(processors, max.length == 2
                    ? quota(max[0], max[1])
                    : quota(read(group.resolve("cpu.cfs_quota_us")), read(group.resolve("cpu.cfs_period_us"))));
        }
        if (SlurmAllocation.isTask(environment)) {
            long onNode = positive(environment.get("SLURM_CPUS_ON_NODE"), available);
            long perTask = positive(environment.get("SLURM_CPUS_PER_TASK"), 0);
            if (perTask > 0) {
                processors = perTask * tasks;
            } else {
                // fewer than the job has on this node: each task is bound to its own
                processors = processors < onNode ? processors * tasks : onNode;
            }
            long perNode = positive(environment.get("SLURM_MEM_PER_NODE"), 0);
            long perProcessor = positive(environment.get("SLURM_MEM_PER_CPU"), 0);
            long granted = (perNode > 0 ? perNode : perProcessor * onNode) * MEGABYTE;
            memory = granted > 0 ? Math.min(memory, granted) : memory;
        }
        return new HostLimits((int) Math.max(1, processors), memory >= NO_LIMIT ? 0 : memory);
    }

    /** So many ranks may be started without further questions. */
    int mostRanks() {
        return (int) Math.min(byProcessors(), byMemory());
    }

    /** How many that is, and by what. */
    String room() {
        return byProcessors() <= byMemory()
                ? byProcessors() + " ranks on " + processors + (processors == 1 ? " processor" : " processors")
                : byMemory() + " ranks in " + memory / MEGABYTE + " MB of memory";
    }

    private long byProcessors() {
        return Math.max(FEWEST_RANKS, (long) RANKS_PER_PROCESSOR * processors);
    }

    private long byMemory() {
        return memory == 0 ? Long.MAX_VALUE : Math.max(1, memory / RANK_BYTES);
    }

    /** A rank's share of the processors. */
    int threads(int localSize) {
        return Math.max(1, processors / localSize);
    }

    private static List<Path> groups(Path root) {
        List<Path> groups = new ArrayList<>();
        Path mount = root.resolve("sys/fs/cgroup");
        for (String line : read(root.resolve("proc/self/cgroup")).split("\n")) {
            String[] fields = line.split(":", 3);
            if (fields.length < 3) {
                continue;
            }
            for (String controller : fields[1].isEmpty() ? List.of("", "unified") : List.of(fields[1].split(","))) {
                Path top = mount.resolve(controller);
                // in a container the path may be the host's; then only the top exists
                Path group = top.resolve(fields[2].replaceFirst("^/+", "")).normalize();
                while (group != null && group.startsWith(top)) {
                    groups.add(group);
                    group = group.getParent();
                }
            }
        }
        return groups;
    }

    private static long quota(String quota, String period) {
        long time = positive(quota, 0);
        long of = positive(period, 0);
        return time == 0 || of == 0 ? Integer.MAX_VALUE : Math.max(1, (time + of - 1) / of);
    }

    private static long number(Path group, String file) {
        return positive(read(group.resolve(file)), NO_LIMIT);
    }

    /** The number, or what stands for anything else: "max", -1, no such variable. */
    private static long positive(@Nullable String text, long otherwise) {
        try {
            long value = text == null ? 0 : Long.parseLong(text.strip());
            return value > 0 ? value : otherwise;
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return ""; // no such group, or no such controller
        }
    }
}
