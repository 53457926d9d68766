package dev.lockstep.world.rank;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;

import dev.lockstep.wire.GuardedListener;
import dev.lockstep.wire.Message;

/**
 * The server that MPJ Express expects to collect every rank's ports and to hand out the table of all. Each rank is that
 * server for itself, on the loopback interface; connections that do not speak MPJ's protocol are dropped.
 */
final class Rendezvous implements AutoCloseable {
    /** Tells this rank's ports and waits for everyone's. */
    interface Exchange {
        Message.Table table(int readPort, int writePort) throws IOException;
    }

    private static final int GREETING_LENGTH = "Sending Info".length();

    private final ServerSocket server;
    private final GuardedListener entrance;

    private Rendezvous(ServerSocket server, GuardedListener entrance) {
        this.server = server;
        this.entrance = entrance;
    }

    static Rendezvous open(int rank, Exchange exchange) throws IOException {
        ServerSocket server = new ServerSocket(0, GuardedListener.BACKLOG, InetAddress.getLoopbackAddress());
        return new Rendezvous(server, GuardedListener.open(server, "lockstep-rendezvous", 1,
                (visitor, admit) -> {
                    serve(visitor, admit, rank, exchange);
                    return false;
                }));
    }

    int port() {
        return server.getLocalPort();
    }

    @Override
    public void close() {
        entrance.close();
    }

    private static void serve(Socket visitor, Runnable admit, int rank, Exchange exchange) throws IOException {
        DataInputStream in = new DataInputStream(visitor.getInputStream());
        // not readUTF, which would wait for as many bytes as a stranger's first two say
        byte[] greeting = new byte[GREETING_LENGTH];
        if (in.readUnsignedShort() != GREETING_LENGTH) {
            return;
        }
        in.readFully(greeting);
        if (!new String(greeting, StandardCharsets.US_ASCII).equals("Sending Info")) {
            return;
        }
        int writePort = in.readInt();
        int readPort = in.readInt();
        if (in.readInt() != rank || !isPort(writePort) || !isPort(readPort)) {
            return;
        }
        admit.run();
        Message.Table table = exchange.table(readPort, writePort);
        new DataOutputStream(visitor.getOutputStream()).writeUTF(text(table));
        in.read(); // until MPJ has read it and closes
    }

    private static boolean isPort(int number) {
        return number > 0 && number < 1 << 16;
    }

    private static String text(Message.Table table) {
        return "#Peer Information;" + table.peers().stream()
                .map(peer -> peer.host() + "@" + peer.readPort() + "@" + peer.writePort() + "@" + peer.rank() + "@0")
                .collect(Collectors.joining(";"));
    }
}
