package dev.lockstep.launch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.HostName;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.local.GpuBinding;
import dev.lockstep.launch.local.HostLimits;
import dev.lockstep.launch.local.LocalSpawner;
import dev.lockstep.launch.local.RankPlan;
import dev.lockstep.launch.local.RankPlanner;
import dev.lockstep.launch.local.ScratchDirectory;
import dev.lockstep.launch.local.ShellWords;
import dev.lockstep.launch.local.SlurmAllocation;
import dev.lockstep.launch.output.OutputRouter;
import dev.lockstep.launch.ranks.Spawner;
import dev.lockstep.launch.remote.HostProbe;
import dev.lockstep.launch.remote.RemoteAgents;
import dev.lockstep.launch.remote.SlurmSpawner;
import dev.lockstep.launch.remote.SshSpawner;
import dev.lockstep.wire.HostRanks;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Past;

/**
 * The ways to start a job.
 *
 * @param home        Lockstep's own directory
 * @param environment the launcher's
 * @param bootstrap   how long agents have to come
 * @param heartbeat   after so long a silence they are gone
 * @param wholeCommands show what ranks are started by, not only their program
 */
record LaunchModes(Path home, Map<String, String> environment, JobSpec job, OutputRouter router, Duration bootstrap,
        Duration heartbeat, boolean wholeCommands) {

    /** Makes the spawner once it is known where the launcher listens. */
    interface SpawnerOf {
        Spawner apply(Coordinator coordinator) throws IOException;
    }

    /** Rank, host, GPU and program or command of every rank, given the launcher's address. */
    interface Lines {
        List<String> apply(String address) throws IOException;
    }

    /**
     * A job before it starts.
     *
     * @param lines  that show it
     * @param agents that start its ranks, or null when the launcher does
     */
    record Plan(int size, Lines lines, @Nullable RemoteAgents agents, SpawnerOf spawner) {}

    /** Of a job's first ranks. */
    LaunchModes first(Past past) {
        return of(past, router);
    }

    /** Of ranks that are started again; nobody hears of their events who heard of earlier ones. */
    LaunchModes again(Past past) {
        return of(past, router.again(new LinkedBlockingQueue<>()));
    }

    private LaunchModes of(Past past, OutputRouter events) {
        return new LaunchModes(home, environment, job.after(past), events, bootstrap, heartbeat, wholeCommands);
    }

    /** @param count 0: as many as this host has GPUs for */
    Plan here(int count) throws IOException {
        GpuBinding gpus = GpuBinding.here(environment);
        HostLimits limits = HostLimits.detect(Runtime.getRuntime().availableProcessors(), Path.of("/"), environment, 1);
        RankPlanner ranks = new RankPlanner(home, environment, job, gpus, limits);
        int size = count > 0 ? count : ranks.defaultCount();
        ranks.checkGpusFor(size, "-np " + size + " is");
        ranks.checkRoomFor(size, "-np " + size + " is");
        HostRanks share = HostRanks.all(size, HostName.here());
        Lines lines = address -> ranks.plan(share, address, "token").stream().map(this::describe).toList();
        return new Plan(size, lines, null, coordinator -> {
            ScratchDirectory scratch = ranks.prepare(size);
            return new LocalSpawner(ranks.plan(share, coordinator.address(), coordinator.token()), job.tag(), router,
                    scratch);
        });
    }

    Plan overSsh(HostList hosts, int size) {
        List<HostRanks> shares = hosts.share(size, job.oversubscribe());
        String[] lines = new String[size];
        for (int index = 0; index < shares.size(); index++) {
            HostRanks share = shares.get(index);
            List<String> command = SshSpawner.command(share.host(), index, job.directory(), home, environment);
            for (int i = 0; i < share.localSize(); i++) {
                int rank = share.ranks().get(i);
                lines[rank] = describe(rank, share.host(), i, command);
            }
        }
        RemoteAgents agents = RemoteAgents.relaying(job, shares, router, heartbeat);
        return new Plan(size, address -> List.of(lines), agents,
                coordinator -> new SshSpawner(agents, whereabouts(agents, coordinator), home,
                        environment, bootstrap, router.output()));
    }

    /** The room there is, on the hosts that are left, for ranks. */
    interface Room {
        int ranks(int wanted, int room, Collection<String> gone);
    }

    /**
     * @param size as wanted at first
     * @param lost hosts that were lost before
     */
    Plan overSsh(HostList hosts, int size, Collection<String> lost, Room room) {
        Set<String> silent = HostProbe.silent(lost, environment);
        HostList left = hosts.without(silent);
        if (silent.isEmpty()) {
            return overSsh(hosts, size);
        }
        int ranks = room.ranks(size, job.oversubscribe() && left.size() > 0 ? size : left.size(), silent);
        goOnWithout(silent, ranks);
        return overSsh(left, ranks);
    }

    private void goOnWithout(Collection<String> gone, int ranks) {
        router.output().say("mpjrun: " + String.join(", ", gone) + (gone.size() == 1 ? " does" : " do")
                + " not answer: " + ranks + (ranks == 1 ? " rank goes" : " ranks go") + " on without");
    }

    /**
     * @param count 0: the tasks of the allocation
     * @param lost  nodes that were lost before
     */
    Plan throughSlurm(SlurmAllocation allocation, int count, Collection<String> lost, Room room) throws IOException {
        int tasks = allocation.tasks();
        if (tasks > 0 && count > tasks && !job.oversubscribe()) {
            throw new UsageException("-np " + count + " is more than the " + tasks + " tasks of Slurm job "
                    + environment.get("SLURM_JOB_ID") + ": ask for more, as in sbatch --ntasks=" + count
                    + ", or give --oversubscribe");
        }
        int wanted = count > 0 ? count : tasks > 0 ? tasks : allocation.nodes();
        List<String> nodes = nodes();
        Set<String> gone = job.past().restarts() == 0
                ? Set.of()
                : HostProbe.gone(nodes, lost, environment.getOrDefault("SLURM_JOB_ID", ""));
        int size = wanted;
        if (!gone.isEmpty()) {
            int left = room(nodes, gone);
            size = room.ranks(wanted, job.oversubscribe() && left > 0 ? wanted : left, gone);
            goOnWithout(gone, size);
        }
        List<String> command = SlurmSpawner.command(allocation, size, gone, job.oversubscribe(), job.directory(), home);
        List<String> places = places(nodes, size);
        List<String> lines = new ArrayList<>();
        int[] local = new int[nodes.size() + 1];
        for (int rank = 0; rank < size; rank++) {
            int node = nodes.indexOf(places.get(rank));
            lines.add(describe(rank, places.get(rank), node < 0 ? rank : local[node]++, command));
        }
        RemoteAgents agents = RemoteAgents.relaying(job, SlurmSpawner.shares(size), router, heartbeat);
        return new Plan(size, address -> lines, agents,
                coordinator -> new SlurmSpawner(agents, whereabouts(agents, coordinator), command, bootstrap,
                        router.output()));
    }

    /** The agents are the tasks of this process's own step; they learn from its stdout where it is. */
    Plan served(int size) {
        RemoteAgents agents = RemoteAgents.writing(job, SlurmSpawner.shares(size), router, heartbeat);
        return new Plan(size, address -> List.of(), agents, coordinator -> {
            String whereabouts = whereabouts(agents, coordinator);
            System.out.println(whereabouts);
            System.out.flush();
            return new SlurmSpawner(agents, whereabouts, List.of(), bootstrap, router.output());
        });
    }

    private static String whereabouts(RemoteAgents agents, Coordinator coordinator) {
        return agents.whereabouts(coordinator.port(), coordinator.token());
    }

    /** How many tasks the job has on the nodes that are left. */
    private int room(List<String> nodes, Set<String> gone) {
        List<Integer> perNode = SlurmAllocation.expand(environment.getOrDefault("SLURM_TASKS_PER_NODE", "1"));
        return IntStream.range(0, Math.min(nodes.size(), perNode.size())).filter(i -> !gone.contains(nodes.get(i)))
                .map(perNode::get).sum();
    }

    /** The job's nodes; what cannot be found out is left out. */
    private List<String> nodes() throws IOException {
        String compact = environment.getOrDefault("SLURM_JOB_NODELIST", "");
        try {
            Process process = new ProcessBuilder("scontrol", "show", "hostnames", compact)
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            process.getOutputStream().close();
            try (InputStream out = process.getInputStream()) {
                return new String(out.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
            }
        } catch (IOException e) {
            return List.of(compact); // srun says better what is wrong with this Slurm
        }
    }

    /**
     * The host of every rank as Slurm will place them by itself; for showing, and for nothing else: srun decides.
     */
    private List<String> places(List<String> nodes, int size) {
        String order = environment.getOrDefault("SLURM_DISTRIBUTION", "block");
        List<Integer> perNode = SlurmAllocation.expand(environment.getOrDefault("SLURM_TASKS_PER_NODE", "1"));
        List<String> places = new ArrayList<>();
        if (nodes.size() != perNode.size() || !order.matches("(block|cyclic)(:.*)?")) {
            String all = environment.getOrDefault("SLURM_JOB_NODELIST", "?");
            return Collections.nCopies(size, all);
        }
        boolean cyclic = order.startsWith("cyclic");
        int most = perNode.stream().mapToInt(Integer::intValue).max().orElse(1);
        for (int turn = 0; turn < (cyclic ? most : 1); turn++) {
            for (int node = 0; node < nodes.size(); node++) {
                int times = cyclic ? perNode.get(node) > turn ? 1 : 0 : perNode.get(node);
                for (int i = 0; i < times; i++) {
                    places.add(nodes.get(node));
                }
            }
        }
        while (places.size() < size) { // oversubscribed: over again
            places.add(places.get(Math.max(0, places.size() - nodes.size())));
        }
        return places.subList(0, size);
    }

    private String describe(RankPlan plan) {
        return "rank " + plan.rank() + " host " + plan.host() + " gpu " + (plan.gpu().isEmpty() ? "-" : plan.gpu())
                + " " + (wholeCommands ? ShellWords.line(plan) : ShellWords.line(job.program()));
    }

    /** Which GPU an ordinal is, and whether there is one, is known on the host only. */
    private String describe(int rank, String host, int localRank, List<String> command) {
        return "rank " + rank + " host " + host + " gpu " + (job.device().equals("cpu") ? "-" : "#" + localRank) + " "
                + (wholeCommands ? ShellWords.line(command) + " : " : "") + ShellWords.line(job.program());
    }
}
