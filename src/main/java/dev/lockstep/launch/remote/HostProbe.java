package dev.lockstep.launch.remote;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

import dev.lockstep.host.UsageException;

/** Finds out which hosts that were lost answer again, before ranks are started there once more. */
public final class HostProbe {
    private static final long LIMIT_SECONDS = 20;
    /** A node's state, as sinfo has it, in which no step can start there. A star: it does not answer. */
    private static final String GONE = "(?i)(down|fail|error|unk|reboot|power(ed|ing)_down|inval|future).*|.*\\*";

    private HostProbe() {}

    /** Those that ssh does not reach. */
    public static Set<String> silent(Collection<String> hosts, Map<String, String> environment) {
        return without(hosts,
                host -> SshSpawner.isHere(host) || output(SshSpawner.probe(host, environment)).isPresent());
    }

    /**
     * Those nodes of a Slurm job in which nothing can be started.
     *
     * @param nodes all of the job's
     * @param lost  hosts that were lost; others are asked for only if Slurm itself says that they are gone
     * @throws UsageException when the job is at its end
     */
    public static Set<String> gone(List<String> nodes, Collection<String> lost, String job) {
        Optional<String> state = output(List.of("squeue", "--noheader", "--jobs=" + job, "--format=%T"));
        if (state.isPresent() && !state.get().strip().equals("RUNNING")) {
            throw new UsageException(
                    "Slurm job " + job + " is " + (state.get().isBlank() ? "over" : state.get().strip()));
        }
        Set<String> gone = new LinkedHashSet<>();
        output(List.of("sinfo", "--noheader", "--Node", "--nodes=" + String.join(",", nodes), "--format=%N %T"))
                .ifPresent(all -> all.lines().map(line -> line.strip().split(" +"))
                        .filter(line -> line.length == 2 && line[1].matches(GONE)).forEach(line -> gone.add(line[0])));
        List<String> doubtful = lost.stream().filter(host -> nodes.contains(host) && !gone.contains(host)).toList();
        gone.addAll(without(doubtful, node -> output(List.of("srun", "--overlap", "--nodes=1", "--ntasks=1",
                "--nodelist=" + node, "--gres=none", "--input=none", "--immediate=10", "true")).isPresent()));
        return gone;
    }

    /** Asks all at the same time. */
    private static Set<String> without(Collection<String> hosts, Predicate<String> answers) {
        Set<String> silent = new LinkedHashSet<>();
        List<Thread> asking = new ArrayList<>();
        for (String host : hosts) {
            Thread each = new Thread(() -> {
                if (!answers.test(host)) {
                    synchronized (silent) {
                        silent.add(host);
                    }
                }
            }, "probe " + host);
            each.setDaemon(true);
            each.start();
            asking.add(each);
        }
        try {
            for (Thread each : asking) {
                each.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (silent) {
            return new LinkedHashSet<>(silent);
        }
    }

    /** What the command prints; empty where it fails, or takes too long. */
    private static Optional<String> output(List<String> command) {
        try {
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            process.getOutputStream().close();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return Optional.empty();
            }
            return process.exitValue() == 0
                    ? Optional.of(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
