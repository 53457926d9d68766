package dev.lockstep.launch.remote;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.HostName;
import dev.lockstep.launch.local.ShellWords;
import dev.lockstep.launch.output.Console;
import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Signals;
import dev.lockstep.launch.ranks.Spawner;
import dev.lockstep.wire.HostRanks;

/** Ranks on other hosts: one ssh for each host brings an agent there, which starts that host's ranks. */
public final class SshSpawner implements Spawner {
    /** Makes ssh fail rather than ask, and notice a host that is gone. */
    private static final List<String> OPTIONS = List.of("-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o",
            "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3", "-T");
    /** Goes to the directory, sees whether Lockstep is there, and becomes the agent. */
    private static final String REMOTE = "for f in \"$1\" \"$2\"; do [ -e \"$f\" ] || { echo \"there is no $f: Lockstep and "
            + "the working directory must have the same path on all hosts\" >&2; exit 2; }; done; "
            + "cd \"$1\" && shift 2 && exec env \"$@\"";
    private static final int SSH_FAILED = 255;

    private final RemoteAgents agents;
    private final String whereabouts;
    private final Path home;
    private final Map<String, String> environment;
    private final Duration limit;
    private final Console output;
    private final Map<RemoteHost, AgentProcess> agentProcesses = new HashMap<>();

    /** @param whereabouts of the launcher, for the agents */
    public SshSpawner(RemoteAgents agents, String whereabouts, Path home, Map<String, String> environment,
            Duration limit,
            Console output) {
        this.agents = agents;
        this.whereabouts = whereabouts;
        this.home = home;
        this.environment = environment;
        this.limit = limit;
        this.output = output;
    }

    /** Whether the name is this host's own, which needs no ssh. */
    public static boolean isHere(String host) {
        return host.equals("localhost") || host.equals(HostName.here());
    }

    /** What brings an agent to its host; the token is not in it but is read from stdin. */
    public static List<String> command(String host, int index, String directory, Path home,
            Map<String, String> environment) {
        String agent = home.resolve("launch/rank.sh").toString();
        if (isHere(host)) {
            return List.of(agent, "--agent", "ssh", Integer.toString(index));
        }
        List<String> command = ssh(host, environment);
        List<String> script = new ArrayList<>(List.of("exec", "sh", "-c", REMOTE, "sh", directory, agent));
        for (String name : List.of("JAVA_HOME", "MPJ_HOME", "LOCKSTEP_CACHE")) {
            if (environment.containsKey(name)) {
                script.add(name + "=" + environment.get(name));
            }
        }
        script.addAll(List.of(agent, "--agent", "ssh", Integer.toString(index)));
        // one word for ssh, whatever the login shell there is
        command.add(script.stream().map(ShellWords::quote).collect(Collectors.joining(" ")));
        return command;
    }

    /** Asks whether the host answers. */
    static List<String> probe(String host, Map<String, String> environment) {
        List<String> command = ssh(host, environment);
        command.add("true");
        return command;
    }

    private static List<String> ssh(String host, Map<String, String> environment) {
        List<String> command = new ArrayList<>(
                Arrays.asList(environment.getOrDefault("LOCKSTEP_SSH", "ssh").strip().split("\\s+")));
        command.addAll(OPTIONS);
        command.add(host);
        return command;
    }

    @Override
    public int size() {
        return agents.hosts().get(0).share().size();
    }

    @Override
    public RankProcess start(int rank) throws IOException {
        for (int index = 0; index < agents.hosts().size(); index++) {
            RemoteHost host = agents.hosts().get(index);
            if (host.share().ranks().contains(rank)) {
                if (!agentProcesses.containsKey(host)) {
                    agentProcesses.put(host, agentProcess(host, index));
                }
                return host.process(rank);
            }
        }
        throw new IllegalArgumentException("rank " + rank);
    }

    @Override
    public void close(int code) {
        agents.hosts().forEach(host -> host.over(ExitCode.DONE.code()));
        agentProcesses.forEach((host, agentProcess) -> {
            if (!host.isEnlisted()) {
                agentProcess.abandon();
            }
        });
        agentProcesses.values().forEach(AgentProcess::close);
    }

    private AgentProcess agentProcess(RemoteHost host, int index) throws IOException {
        HostRanks share = host.share();
        String name = share.host();
        List<String> command = command(name, index, agents.job().directory(), home, environment);
        try {
            AgentProcess agentProcess = new AgentProcess(command, List.of(), whereabouts + "\n",
                    share.ranks().contains(0), output, host::isEnlisted,
                    (code, reason) -> {
                        String why = why(host, name, code, reason);
                        if (host.isEnlisted()) {
                            host.lose(ExitCode.FAILED.code(), why);
                        } else if (code == SSH_FAILED) {
                            host.lose(ExitCode.USAGE.code(), why);
                        } else {
                            host.refuse(ExitCode.USAGE.code(), why);
                        }
                    });
            RemoteAgents.watch(host, "host " + name, limit, agentProcess::reason);
            return agentProcess;
        } catch (IOException e) {
            throw new IOException("host " + name + " cannot be reached: " + e.getMessage()
                    + " (LOCKSTEP_SSH names the ssh command)", e);
        }
    }

    private static String why(RemoteHost host, String name, int code, String reason) {
        if (host.isEnlisted()) {
            return "host " + name + " was lost: ssh " + Signals.describe(code);
        }
        String because = reason.isEmpty() ? "ssh " + Signals.describe(code) : reason;
        return "host " + name + (code == SSH_FAILED ? " cannot be reached: " : ": ") + because;
    }
}
