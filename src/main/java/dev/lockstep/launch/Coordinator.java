package dev.lockstep.launch;

import java.io.Closeable;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Closing;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.ranks.LaunchEvent;
import dev.lockstep.launch.remote.RemoteAgents;
import dev.lockstep.wire.GuardedListener;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.PortRange;
import dev.lockstep.wire.SealedLink;

/** The launcher's end of the control links: lets in whoever knows the job's token and turns what they say to events. */
final class Coordinator implements Closeable {
    private final int size;
    private final BlockingQueue<LaunchEvent> events;
    private final @Nullable RemoteAgents agents;
    private final ServerSocket server;
    private final GuardedListener entrance;
    private final String token;
    private final Map<Integer, SealedLink> links = new ConcurrentHashMap<>();

    /**
     * @param agents that ranks elsewhere are started by, or null: then it listens on this host only
     * @param ports  of which it takes one
     */
    Coordinator(int size, BlockingQueue<LaunchEvent> events, @Nullable RemoteAgents agents, PortRange ports)
            throws IOException {
        this.size = size;
        this.events = events;
        this.agents = agents;
        InetAddress address = agents == null ? InetAddress.getLoopbackAddress() : agents.listenOn();
        this.server = new ServerSocket();
        try {
            ports.bind(-1, port -> server.bind(new InetSocketAddress(address, port),
                    Math.max(GuardedListener.BACKLOG, 2 * size)));
        } catch (BindException e) {
            throw new UsageException("--ports " + ports + ": " + e.getMessage() + " on this host", e);
        }
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        this.token = HexFormat.of().formatHex(random);
        this.entrance = GuardedListener.open(server, "coordinator", size, (socket, admit) -> {
            serve(socket, admit);
            return false;
        });
    }

    /** Where ranks connect to. */
    String address() {
        return server.getInetAddress().getHostAddress() + ":" + server.getLocalPort();
    }

    /** Number of ranks. */
    int size() {
        return size;
    }

    int port() {
        return server.getLocalPort();
    }

    String token() {
        return token;
    }

    /** Tells every rank; a link that breaks meanwhile is reported as an event of its own. */
    void tellAll(Message message) {
        links.values().forEach(link -> {
            try {
                link.send(message);
            } catch (IOException e) {
                Closing.quietly(link);
            }
        });
    }

    @Override
    public void close() {
        entrance.close();
        links.values().forEach(Closing::quietly);
    }

    private void serve(Socket socket, Runnable admit) throws IOException {
        socket.setTcpNoDelay(true);
        int rank = -1;
        try (SealedLink link = SealedLink.accept(socket, token)) {
            Message first = link.read();
            if (first instanceof Message.AgentHello enlist) {
                if (agents != null) {
                    admit.run();
                    agents.serve(socket, link, enlist);
                }
                return;
            }
            if (!(first instanceof Message.Hello hello) || hello.rank() < 0 || hello.rank() >= size) {
                return;
            }
            admit.run();
            link.send(new Message.Heartbeat(true)); // a rank that has been dropped before knocks again
            if (links.putIfAbsent(hello.rank(), link) != null) {
                return;
            }
            rank = hello.rank();
            for (Message message = hello; message != null; message = link.read()) {
                events.add(new LaunchEvent.Said(rank, message));
            }
        } finally {
            if (rank >= 0) {
                events.add(new LaunchEvent.LinkLost(rank));
            }
        }
    }
}
