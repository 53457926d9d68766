package dev.lockstep.world;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;

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
    private Bootstrap() {}

    /** @throws IllegalStateException when MPJ does not start */
    static Transfer start(RankEnvironment self, Link link) {
        try (Rendezvous rendezvous = Rendezvous.open(self.rank(), (readPort, writePort) -> {
            link.send(new Message.Ports(link.address(self), readPort, writePort));
            return link.table();
        })) {
            String conf = "#Number of Processes;" + self.size() + ";#Protocol Switch Limit;" + Transfer.EAGER
                    + ";#Server Name;127.0.0.1;#Server Port;" + rendezvous.port();
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
            return new Transfer(MPI.COMM_WORLD);
        } catch (IOException | MPIException e) {
            throw new IllegalStateException("rank " + self.rank() + " on " + self.host()
                    + " cannot join the others: " + e.getMessage(), e);
        }
    }
}
