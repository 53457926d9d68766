package dev.lockstep.launch.remote;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.launch.local.SlurmAllocation;
import dev.lockstep.launch.output.Console;
import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Signals;
import dev.lockstep.launch.ranks.Spawner;
import dev.lockstep.wire.HostRanks;

/** Ranks as the tasks of one Slurm step: each task is an agent that starts one rank. */
public final class SlurmSpawner implements Spawner {
    /** How agents learn where the launcher is: unlike a command line, no other user can read it. */
    static final String LAUNCHER = "LOCKSTEP_LAUNCHER";

    private final RemoteAgents agents;
    private final String whereabouts;
    private final List<String> command;
    private final Duration limit;
    private final Console output;
    private @Nullable AgentProcess agentProcess;

    /**
     * @param whereabouts of the launcher, for the agents
     * @param command     the srun that starts the agents; empty: something else has started them
     */
    public SlurmSpawner(RemoteAgents agents, String whereabouts, List<String> command, Duration limit, Console output) {
        this.agents = agents;
        this.whereabouts = whereabouts;
        this.command = command;
        this.limit = limit;
        this.output = output;
    }

    /** One share for each rank; where it runs, its agent will tell. */
    public static List<HostRanks> shares(int size) {
        return IntStream.range(0, size).mapToObj(rank -> new HostRanks(List.of(rank), size, -1, -1, "")).toList();
    }

    /**
     * The one srun.
     *
     * @param without nodes of the job
     */
    public static List<String> command(SlurmAllocation allocation, int size, Collection<String> without,
            boolean oversubscribe, String directory, Path home) {
        List<String> command = new ArrayList<>(List.of("srun", "--kill-on-bad-exit=1", "--ntasks=" + size, "--input=0",
                "--chdir=" + directory));
        int nodes = allocation.nodes() - without.size();
        if (size < nodes || !without.isEmpty()) {
            command.add("--nodes=" + Math.min(size, nodes));
        }
        if (!without.isEmpty()) {
            command.add("--exclude=" + String.join(",", without));
        }
        int processors = allocation.number("SLURM_CPUS_PER_TASK");
        if (processors > 0) {
            command.add("--cpus-per-task=" + processors); // since Slurm 22.05 a step does not take it from the job
        }
        if (oversubscribe) {
            command.add("--overcommit");
        }
        command.addAll(List.of(home.resolve("launch/rank.sh").toString(), "--agent", "slurm"));
        return command;
    }

    @Override
    public int size() {
        return agents.hosts().size();
    }

    @Override
    public RankProcess start(int rank) throws IOException {
        RemoteHost host = agents.hosts().get(rank);
        if (rank == 0 && !command.isEmpty()) {
            try {
                agentProcess = new AgentProcess(command, List.of(LAUNCHER + "=" + whereabouts), null,
                        false,
                        output, () -> agents.hosts().stream().allMatch(RemoteHost::isEnlisted), this::ended);
            } catch (IOException e) {
                throw new IOException("this is a Slurm job but srun cannot be started: " + e.getMessage(), e);
            }
        }
        RemoteAgents.watch(host, "rank " + rank, limit, () -> agentProcess == null ? "" : agentProcess.reason());
        return host.process(rank);
    }

    @Override
    public void close(int code) {
        // where the agents are srun's tasks already, its exit code is the job's if all of them end with that
        agents.hosts().forEach(host -> host.over(agentProcess == null ? code : ExitCode.DONE.code()));
        if (agentProcess != null) {
            if (agents.hosts().stream().noneMatch(RemoteHost::isEnlisted)) {
                agentProcess.abandon();
            }
            agentProcess.close();
        }
    }

    private void ended(int code, String reason) {
        boolean started = agents.hosts().stream().anyMatch(RemoteHost::isEnlisted);
        String because = reason.isEmpty() ? "it " + Signals.describe(code) : reason;
        agents.hosts().forEach(host -> {
            if (started) {
                host.lose(Math.max(ExitCode.FAILED.code(), code), "srun ended before the ranks: " + because);
            } else {
                String line = "srun did not start the ranks: " + because;
                if (agents.job().past().restarts() > 0) { // it did before: some node has gone that Slurm still counts on
                    host.lose(ExitCode.FAILED.code(), line);
                } else {
                    host.refuse(ExitCode.USAGE.code(), line);
                }
            }
        });
    }
}
