package dev.lockstep.world;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.HashSet;
import java.util.Set;

import mpi.MPI;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.world.transport.Alone;
import dev.lockstep.world.transport.MpjTransport;
import dev.lockstep.world.transport.Transport;

/**
 * Starts MPJ Express in this rank. MPJ expects a server that collects every rank's ports and hands out the table of
 * all; each rank is that server for itself and relays both over its control link, so no port of ours is open to anyone
 * and the launcher decides which addresses the ranks are told.
 */
final class Bootstrap {
    private Bootstrap() {}

    /**
     * MPJ Express once it runs.
     *
     * @param transport to the other ranks
     * @param threads  of its own, which would keep the JVM alive for ever
     * @param args     what is left of the arguments it was given
     */
    record Mpj(Transport transport, Set<Thread> threads, String[] args) {
        static final Mpj NONE = new Mpj(new Alone(), Set.of(), new String[0]);
    }

    /** @throws IllegalStateException when MPJ does not start */
    static Mpj start(RankEnvironment self, ControlLink link) {
        try (Rendezvous rendezvous = Rendezvous.open(self.rank(), (readPort, writePort) -> {
            link.send(new Message.Ports(link.address(self), readPort, writePort));
            return link.table();
        })) {
            String conf = "#Number of Processes;" + self.size() + ";#Protocol Switch Limit;" + MpjTransport.EAGER
                    + ";#Server Name;127.0.0.1;#Server Port;" + rendezvous.port();
            return init(Integer.toString(self.rank()), conf, "niodev");
        } catch (IOException e) {
            throw new IllegalStateException("it cannot join the others: " + e.getMessage(), e);
        }
    }

    /**
     * {@code MPI.Init}, which reports its progress on both output streams, without that.
     *
     * @param args the rank, the configuration, the device and whatever the program was given
     * @throws IllegalStateException when MPJ does not start
     */
    static Mpj init(String... args) {
        Set<Thread> threads = new HashSet<>(Thread.getAllStackTraces().keySet());
        PrintStream out = System.out;
        PrintStream err = System.err;
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        String[] rest;
        try {
            rest = MPI.Init(args);
        } catch (RuntimeException e) {
            Throwable cause = e;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            throw new IllegalStateException("it cannot join the others (" + cause + "): " + Message.Joined.WHY_NOT, e);
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        Set<Thread> own = new HashSet<>(Thread.getAllStackTraces().keySet());
        own.removeAll(threads);
        return new Mpj(new MpjTransport(MPI.COMM_WORLD), own, rest);
    }
}
