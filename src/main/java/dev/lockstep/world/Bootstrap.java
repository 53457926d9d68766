package dev.lockstep.world;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.stream.Collectors;

import mpi.MPI;
import mpi.MPIException;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;

/**
 * Starts MPJ Express in this rank. MPJ expects a server that collects every rank's ports and hands out the table of
 * all; each rank is that server for itself and relays both over its control link, so no port of ours is open to anyone
 * and the launcher decides which addresses the ranks are told.
 */
final class Bootstrap {
    /** Larger messages wait for the receiver; MPJ's own default. */
    private static final int EAGER_LIMIT = 128 << 10;

    private Bootstrap() {}

    /** @throws IllegalStateException when MPJ does not start */
    static Transfer start(RankEnvironment self, Link link) {
        try (ServerSocket rendezvous = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread relay = new Thread(() -> relay(rendezvous, self, link), "lockstep-rendezvous");
            relay.setDaemon(true);
            relay.start();
            String conf = "#Number of Processes;" + self.size() + ";#Protocol Switch Limit;" + EAGER_LIMIT
                    + ";#Server Name;127.0.0.1;#Server Port;" + rendezvous.getLocalPort();
            PrintStream out = System.out;
            PrintStream err = System.err;
            // Init reports its progress on both
            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
            System.setErr(new PrintStream(OutputStream.nullOutputStream()));
            try {
                MPI.Init(new String[]{Integer.toString(self.rank()), conf, "niodev"});
            } finally {
                System.setOut(out);
                System.setErr(err);
            }
            return new Transfer(MPI.COMM_WORLD, self.rank(), self.size());
        } catch (IOException | MPIException e) {
            throw new IllegalStateException("rank " + self.rank() + " on " + self.host()
                    + " cannot join the others: " + e.getMessage(), e);
        }
    }

    private static void relay(ServerSocket rendezvous, RankEnvironment self, Link link) {
        while (!rendezvous.isClosed()) {
            try (Socket socket = rendezvous.accept()) {
                DataInputStream in = new DataInputStream(socket.getInputStream());
                if (!in.readUTF().equals("Sending Info")) {
                    continue; // not MPJ
                }
                int writePort = in.readInt();
                int readPort = in.readInt();
                link.send(new Message.Ports(link.address(self), readPort, writePort));
                new DataOutputStream(socket.getOutputStream()).writeUTF(table(link.table()));
                in.read(); // until MPJ has read it and closes
                return;
            } catch (IOException e) {
                // not MPJ, or the end: the launcher's time-out names this rank when MPJ never comes
            }
        }
    }

    private static String table(Message.Table table) {
        return "#Peer Information;" + table.peers().stream()
                .map(peer -> peer.host() + "@" + peer.readPort() + "@" + peer.writePort() + "@" + peer.rank() + "@0")
                .collect(Collectors.joining(";"));
    }
}
