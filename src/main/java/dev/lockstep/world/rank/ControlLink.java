package dev.lockstep.world.rank;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

import dev.lockstep.host.Closing;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.wire.SealedLink;

/** A rank's end of the control link. When it breaks the launcher is gone, and the rank ends at once. */
public final class ControlLink {
    private static final int CONNECT_MILLIS = 10_000;
    /**
     * A launcher on another host that is silent for so long is taken for gone: a host that vanishes breaks no link. Long,
     * because a launcher that is only stopped for a while must find its ranks as they were.
     */
    private static final int SILENCE_MILLIS = 300_000;

    /** To be known to the launcher, and how much longer the pause is after each of them. */
    private static final int ATTEMPTS = 10;
    private static final long PAUSE_NANOS = 20_000_000;

    /** So long a launcher that is busy with other ranks may take to show that it is one. */
    private static final int ANSWER_MILLIS = 60_000;

    private final Socket socket;
    private final SealedLink sealed;
    private final CompletableFuture<Message.Workers> workers = new CompletableFuture<>();
    private final CompletableFuture<Message.Table> table = new CompletableFuture<>();
    private final CompletableFuture<Message.Release> over = new CompletableFuture<>();
    private final Heartbeat reporter = new Heartbeat(this::send);

    private ControlLink(Socket socket, SealedLink sealed) {
        this.socket = socket;
        this.sealed = sealed;
    }

    /**
     * Connects, says hello, and hears that it is known. A launcher at which strangers knock drops the oldest of those that it
     * does not know yet, which may be a rank that is slow to begin: it knocks again.
     */
    public static ControlLink open(RankEnvironment self) throws IOException {
        ControlLink link = connected(self);
        Socket socket = link.socket;
        socket.setSoTimeout(socket.getInetAddress().isLoopbackAddress() ? 0 : SILENCE_MILLIS);
        Thread reader = new Thread(link::read, "lockstep-link");
        reader.setDaemon(true);
        reader.start();
        link.reporter.start();
        return link;
    }

    private static ControlLink connected(RankEnvironment self) throws IOException {
        int colon = self.coordinator().lastIndexOf(':');
        InetSocketAddress launcher = new InetSocketAddress(self.coordinator().substring(0, colon),
                Integer.parseInt(self.coordinator().substring(colon + 1)));
        for (int attempt = 1;; attempt++) {
            Socket socket = new Socket();
            socket.connect(launcher, CONNECT_MILLIS);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(ANSWER_MILLIS);
            try {
                SealedLink sealed = SealedLink.connect(socket, self.token());
                sealed.send(new Message.Hello(self.rank(), ProcessHandle.current().pid(), self.host()));
                if (sealed.read() == null) {
                    throw new EOFException();
                }
                return new ControlLink(socket, sealed);
            } catch (IOException e) {
                Closing.quietly(socket);
                boolean dropped = e instanceof EOFException || e instanceof SocketException;
                if (!dropped || attempt == ATTEMPTS) {
                    throw e;
                }
                LockSupport.parkNanos(attempt * PAUSE_NANOS);
            }
        }
    }

    /** Where peers reach this rank: unless it is told otherwise, the address by which it reaches the launcher. */
    public String address(RankEnvironment self) {
        return self.address().isEmpty() ? socket.getLocalAddress().getHostAddress() : self.address();
    }

    /** Says over this link that the rank lives and where it stands. */
    public Heartbeat reporter() {
        return reporter;
    }

    public void send(Message message) throws IOException {
        sealed.send(message);
    }

    /** Waits for the launcher to know whether and how all ranks are reached over UCX. */
    List<byte[]> workers() {
        return workers.join().addresses();
    }

    /** Waits for the launcher to know all ranks; how long is the launcher's to decide. */
    public Message.Table table() {
        return table.join();
    }

    /** Waits until every rank has said bye or is gone. */
    void awaitOver() {
        over.join();
    }

    private void read() {
        try {
            for (Message message; (message = sealed.read()) != null;) {
                if (message instanceof Message.Workers all) {
                    workers.complete(all);
                } else if (message instanceof Message.Table peers) {
                    table.complete(peers);
                } else if (message instanceof Message.Release now) {
                    over.complete(now);
                }
            }
        } catch (IOException e) {
            // the same as its end
        }
        // no shutdown hooks: a thread in native code, or one that waits for a peer, must not hold this up
        Runtime.getRuntime().halt(1);
    }
}
