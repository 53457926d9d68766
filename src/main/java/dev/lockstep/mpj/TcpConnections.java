package dev.lockstep.mpj;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import xdev.XDevException;

import dev.lockstep.wire.GuardedListener;
import dev.lockstep.wire.Handshake;
import dev.lockstep.wire.PortRange;

/**
 * The connections to the other ranks, each opened when one of the two first sends the other something. Both show that they
 * know the job's token and which ranks they are; strangers are shown the door and hold nobody up. Of two ranks that call each
 * other at the same time the lower one's call counts.
 */
final class TcpConnections {
    /** Whoever listens on another host, or is busy, has so long to answer. */
    private static final long CALL_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int CONNECT_MILLIS = 10_000;
    private static final int ANSWER_MILLIS = 20_000;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final int MAGIC = 0x4c6f636b; // before a caller's rank
    private static final int TAKEN = 1;
    private static final int OTHERWISE = 2; // there is another connection between the two, or about to be

    /** Where another rank is and how far the way there is opened; guarded by its monitor. */
    private static final class Peer {
        boolean called; // a thread of this rank tries to reach it
        boolean calling; // and waits for an answer
        @Nullable
        String failure;
    }

    private final int self;
    private final String token;
    private final TcpReader reader = new TcpReader();
    private final Matching matching = new Matching();
    private final ServerSocketChannel server = ServerSocketChannel.open();
    private final GuardedListener entrance;
    private final List<Peer> peers;
    private final AtomicReferenceArray<TcpConnection> connections;
    private final @Nullable Certificate certificate;
    private final CompletableFuture<List<TcpDevice.Address>> addresses = new CompletableFuture<>();

    /**
     * Listens.
     *
     * @param certificate this rank's; null: nothing is encrypted
     */
    TcpConnections(int self, int size, InetAddress address, PortRange ports, String token,
            @Nullable Certificate certificate) throws IOException {
        this.self = self;
        this.token = token;
        this.certificate = certificate;
        this.peers = IntStream.range(0, size).mapToObj(each -> new Peer()).toList();
        this.connections = new AtomicReferenceArray<>(size);
        int backlog = Math.max(GuardedListener.BACKLOG, 2 * size);
        ports.bind(self, port -> server.bind(new InetSocketAddress(address, port), backlog));
        this.entrance = GuardedListener.open(server.socket(), "lockstep-entrance", size, this::serve);
    }

    int port() {
        return server.socket().getLocalPort();
    }

    TcpReader reader() {
        return reader;
    }

    Matching matching() {
        return matching;
    }

    /** @param all of the ranks, in their order */
    void reach(List<TcpDevice.Address> all) {
        addresses.complete(List.copyOf(all));
    }

    /** @return null: nothing has been sent either way yet */
    @Nullable
    TcpConnection known(int rank) {
        return connections.get(rank);
    }

    /**
     * Opens it if need be.
     *
     * @throws XDevException when the rank cannot be reached
     */
    TcpConnection to(int rank) {
        TcpConnection known = connections.get(rank);
        return known == null ? open(rank) : known;
    }

    private TcpConnection open(int rank) {
        Peer peer = peers.get(rank);
        boolean interrupted = false;
        try {
            synchronized (peer) {
                if (connections.get(rank) == null && !peer.called) {
                    peer.called = true;
                    Thread caller = new Thread(() -> call(rank, peer), "lockstep-call");
                    caller.setDaemon(true);
                    caller.start();
                }
                while (connections.get(rank) == null && peer.failure == null) {
                    try {
                        peer.wait();
                    } catch (InterruptedException e) {
                        interrupted = true;
                    }
                }
                if (connections.get(rank) == null) {
                    throw new XDevException(peer.failure);
                }
                return connections.get(rank);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void call(int rank, Peer peer) {
        long until = System.nanoTime() + CALL_NANOS;
        String reason = "";
        while (true) {
            synchronized (peer) {
                if (connections.get(rank) != null) {
                    return;
                }
                if (System.nanoTime() > until) {
                    peer.failure = "rank " + self + " cannot reach rank " + rank + " at "
                            + socket(rank).getAddress().getHostAddress() + ":" + socket(rank).getPort() + " (" + reason
                            + "): ranks must be able to connect to each other's ports; --ports says "
                            + "which they are, --interface on which network";
                    peer.notifyAll();
                    return;
                }
                peer.calling = true;
            }
            try {
                call(rank);
            } catch (IOException e) {
                reason = String.valueOf(e.getMessage());
            }
            synchronized (peer) {
                peer.calling = false;
            }
            LockSupport.parkNanos(PAUSE_NANOS); // the other's call may be on its way, or it is too busy for strangers
        }
    }

    private void call(int rank) throws IOException {
        SocketChannel channel = SocketChannel.open();
        boolean stays = false;
        try {
            Socket socket = channel.socket();
            socket.connect(socket(rank), CONNECT_MILLIS);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(ANSWER_MILLIS);
            DataInputStream in = new DataInputStream(socket.getInputStream());
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            out.writeLong((long) MAGIC << Integer.SIZE | self);
            Handshake.call(in, out, token, listener(self, rank), caller(self, rank));
            if (in.readUnsignedByte() == TAKEN) {
                Tls tls = encrypted(rank, channel, true);
                synchronized (peers.get(rank)) {
                    connect(rank, channel, tls);
                }
                stays = true;
            }
        } finally {
            if (!stays) {
                channel.close();
            }
        }
    }

    /** Of a connection from outside. */
    private boolean serve(Socket visitor, Runnable admit) throws IOException {
        visitor.setTcpNoDelay(true);
        DataInputStream in = new DataInputStream(visitor.getInputStream());
        if (in.readInt() != MAGIC) {
            return false;
        }
        int rank = in.readInt();
        if (rank < 0 || rank >= peers.size() || rank == self) {
            return false;
        }
        Handshake.answer(in, visitor.getOutputStream(), token, listener(rank, self), caller(rank, self));
        admit.run();
        Peer peer = peers.get(rank);
        synchronized (peer) {
            boolean otherwise = connections.get(rank) != null || peer.calling && self < rank;
            visitor.getOutputStream().write(otherwise ? OTHERWISE : TAKEN);
            if (!otherwise) {
                visitor.setSoTimeout(ANSWER_MILLIS);
                connect(rank, visitor.getChannel(), encrypted(rank, visitor.getChannel(), false));
            }
            return !otherwise;
        }
    }

    private InetSocketAddress socket(int rank) {
        return addresses.join().get(rank).socket();
    }

    private @Nullable Tls encrypted(int rank, SocketChannel channel, boolean caller) throws IOException {
        return certificate == null
                ? null
                : Tls.open(channel, certificate, addresses.join().get(rank).certificate(), caller);
    }

    /** Both have shown who they are. */
    private void connect(int rank, SocketChannel channel, @Nullable Tls tls) throws IOException {
        TcpConnection connection = new TcpConnection(rank, channel, tls, reader, matching);
        connection.begin();
        connections.set(rank, connection);
        peers.get(rank).notifyAll();
    }

    private static String listener(int caller, int listener) {
        return "rank " + listener + ", called by rank " + caller;
    }

    private static String caller(int caller, int listener) {
        return "rank " + caller + ", which calls rank " + listener;
    }

    /** Sees off what this rank has sent. */
    void finish() {
        List<TcpConnection> all = IntStream.range(0, connections.length()).mapToObj(connections::get)
                .filter(each -> each != null).toList();
        all.forEach(each -> each.send(TcpFrame.bye(), null));
        reader.until(() -> all.stream().allMatch(TcpConnection::isFlushed));
        entrance.close();
    }
}
