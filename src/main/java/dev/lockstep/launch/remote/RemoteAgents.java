package dev.lockstep.launch.remote;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.HostName;
import dev.lockstep.launch.local.HostAddresses;
import dev.lockstep.launch.output.OutputRouter;
import dev.lockstep.wire.HostRanks;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.SealedLink;

/**
 * The agents that start a job's ranks elsewhere.
 *
 * @param job       what they start
 * @param hosts     by the agents' index
 * @param ownOutput whether ranks write where their agent does
 */
public record RemoteAgents(JobSpec job, List<RemoteHost> hosts, boolean ownOutput) {

    /**
     * Agents that pass on what their ranks write.
     *
     * @param silence a host that does not answer for so long is gone
     */
    public static RemoteAgents relaying(JobSpec job, List<HostRanks> shares, OutputRouter router, Duration silence) {
        return of(job, shares, false, router, silence);
    }

    /** Agents whose own output is where their ranks write. */
    public static RemoteAgents writing(JobSpec job, List<HostRanks> shares, OutputRouter router, Duration silence) {
        return of(job, shares, true, router, silence);
    }

    private static RemoteAgents of(JobSpec job, List<HostRanks> shares, boolean ownOutput, OutputRouter router,
            Duration silence) {
        List<RemoteHost> hosts = new ArrayList<>();
        shares.forEach(share -> hosts.add(new RemoteHost(share, router, router.events(), silence)));
        return new RemoteAgents(job, List.copyOf(hosts), ownOutput);
    }

    /** Hears an agent until its link ends. */
    public void serve(Socket socket, SealedLink link, Message.AgentHello enlist) throws IOException {
        if (enlist.index() >= 0 && enlist.index() < hosts.size()) {
            socket.setSoTimeout(0);
            KeepAlive.on(socket);
            hosts.get(enlist.index()).serve(link, enlist, job, ownOutput);
        }
    }

    /** Gives an agent up that does not enlist in time; waits in a thread of its own. */
    static void watch(RemoteHost host, String name, Duration limit, Supplier<String> reason) {
        Thread watch = new Thread(() -> {
            try {
                if (!host.awaitEnlisted(limit.toMillis())) {
                    String why = reason.get();
                    host.lose(ExitCode.TIMED_OUT.code(), name + " did not start its ranks within " + limit.toSeconds()
                            + " s (LOCKSTEP_BOOTSTRAP_TIMEOUT changes that)" + (why.isEmpty() ? "" : ": " + why));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "watch " + name);
        watch.setDaemon(true);
        watch.start();
    }

    /** The address to listen on; null for all. */
    public @Nullable InetAddress listenOn() {
        return job.network().isEmpty() ? null : HostAddresses.addresses(job.network()).get(0);
    }

    /**
     * What an agent must know to find the launcher, in one line: the token, the port, the launcher's host and its
     * addresses.
     *
     * @param port  where the launcher listens
     * @param token the job's
     */
    public String whereabouts(int port, String token) {
        List<InetAddress> addresses = HostAddresses.addresses(job.network());
        return token + " " + port + " " + HostName.here() + " "
                + addresses.stream().map(HostAddresses::text).collect(Collectors.joining(","));
    }
}
