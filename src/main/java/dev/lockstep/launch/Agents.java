package dev.lockstep.launch;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import dev.lockstep.wire.HostShare;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Message;

/**
 * The agents that start a job's ranks elsewhere.
 *
 * @param job       what they start
 * @param hosts     by the agents' index
 * @param ownOutput whether ranks write where their agent does
 */
record Agents(JobSpec job, List<RemoteHost> hosts, boolean ownOutput) {

    /** @param silence a host that does not answer for so long is gone */
    static Agents of(JobSpec job, List<HostShare> shares, boolean ownOutput, Outlet outlet, Duration silence) {
        List<RemoteHost> hosts = new ArrayList<>();
        shares.forEach(share -> hosts.add(new RemoteHost(share, outlet, outlet.events(), silence)));
        return new Agents(job, List.copyOf(hosts), ownOutput);
    }

    /** Hears an agent until its link ends. */
    void serve(Socket link, InputStream in, Message.Enlist enlist) throws IOException {
        if (enlist.index() >= 0 && enlist.index() < hosts.size()) {
            link.setSoTimeout(0);
            KeepAlive.on(link);
            hosts.get(enlist.index()).serve(link, in, enlist, job, ownOutput);
        }
    }

    /** Gives an agent up that does not enlist in time; waits in a thread of its own. */
    static void watch(RemoteHost host, String name, Duration limit, Supplier<String> reason) {
        Thread watch = new Thread(() -> {
            try {
                if (!host.awaitEnlisted(limit.toMillis())) {
                    String why = reason.get();
                    host.lose(Supervisor.TIMED_OUT, name + " did not start its ranks within " + limit.toSeconds()
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
    InetAddress listenOn() {
        return job.network().isEmpty() ? null : Network.addresses(job.network()).get(0);
    }

    /**
     * What an agent must know to find the launcher, in one line: the token, the port, the launcher's host and its
     * addresses.
     */
    String whereabouts(Coordinator coordinator) {
        List<InetAddress> addresses = Network.addresses(job.network());
        return coordinator.token() + " " + coordinator.port() + " " + Ranks.hostName() + " "
                + addresses.stream().map(Network::text).collect(Collectors.joining(","));
    }
}
