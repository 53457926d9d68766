package dev.lockstep.launch;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;

import dev.lockstep.wire.Entrance;
import dev.lockstep.wire.Frames;
import dev.lockstep.wire.Message;

/** The launcher's end of the control links: lets in whoever shows the job's token and turns what they say to events. */
final class Coordinator implements Closeable {
    /** Nobody who has not shown the token makes us take in more. */
    private static final int HELLO_BYTES = 1024;

    private final int size;
    private final BlockingQueue<Event> events;
    private final Agents agents;
    private final ServerSocket server;
    private final Entrance entrance;
    private final String token;
    private final Map<Integer, Socket> links = new ConcurrentHashMap<>();

    /**
     * @param agents that ranks elsewhere are started by, or null: then it listens on this host only
     */
    Coordinator(int size, BlockingQueue<Event> events, Agents agents) throws IOException {
        this.size = size;
        this.events = events;
        this.agents = agents;
        this.server = new ServerSocket(0, Math.max(Entrance.BACKLOG, 2 * size), agents == null
                ? InetAddress.getLoopbackAddress()
                : agents.listenOn());
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        this.token = HexFormat.of().formatHex(random);
        this.entrance = Entrance.open(server, "coordinator", size, this::serve);
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
                Frames.write(link.getOutputStream(), message);
            } catch (IOException e) {
                closeQuietly(link);
            }
        });
    }

    @Override
    public void close() {
        entrance.close();
        links.values().forEach(Coordinator::closeQuietly);
    }

    private void serve(Socket link, Runnable admit) throws IOException {
        int rank = -1;
        try (InputStream in = new BufferedInputStream(link.getInputStream())) {
            link.setTcpNoDelay(true);
            Message first = Frames.read(in, HELLO_BYTES);
            if (first instanceof Message.Enlist enlist) {
                if (agents != null && isToken(enlist.token())) {
                    admit.run();
                    agents.serve(link, in, enlist);
                }
                return;
            }
            if (!(first instanceof Message.Hello hello) || !mayEnter(hello)
                    || links.putIfAbsent(hello.rank(), link) != null) {
                return;
            }
            rank = hello.rank();
            admit.run();
            for (Message message = hello; message != null; message = Frames.read(in)) {
                events.add(new Event.Said(rank, message));
            }
        } finally {
            if (rank >= 0) {
                events.add(new Event.LinkLost(rank));
            }
        }
    }

    private boolean mayEnter(Message.Hello hello) {
        return hello.rank() >= 0 && hello.rank() < size
                && isToken(hello.token());
    }

    private boolean isToken(String shown) {
        return MessageDigest.isEqual(bytes(token), bytes(shown));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void closeQuietly(Closeable closeable) {
        try {
            closeable.close();
        } catch (IOException e) {
            // it is gone either way
        }
    }
}
