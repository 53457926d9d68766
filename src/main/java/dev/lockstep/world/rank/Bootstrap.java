package dev.lockstep.world.rank;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import mpi.MPI;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.UsageException;
import dev.lockstep.mpj.TcpDevice;
import dev.lockstep.mpj.UcxDevice;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.Peer;
import dev.lockstep.wire.PortRange;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.world.transport.Alone;
import dev.lockstep.world.transport.MpjTransport;
import dev.lockstep.world.transport.Placement;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;

/**
 * Starts MPJ Express in this rank. MPJ expects a server that collects every rank's ports and hands out the table of
 * all; each rank is that server for itself and relays both over its control link, so no port of ours is open to anyone
 * and the launcher decides which addresses the ranks are told.
 */
public final class Bootstrap {
    private static final String NIODEV = "niodev";
    private static final String TCP = "tcp";
    private static final String AUTO = "auto";
    /** Set by the launcher where libucp is not the system's. */
    private static final String LIBRARIES = "lockstep.ucx";

    private Bootstrap() {}

    /**
     * MPJ Express once it runs.
     *
     * @param transport to the other ranks
     * @param memory    that the ranks of each host share, if they do
     * @param lacksMemory whether there was to be some and is not
     * @param threads  of its own, which would keep the JVM alive for ever
     * @param args     what is left of the arguments it was given
     */
    public record Mpj(Transport transport, @Nullable SharedMemory memory, boolean lacksMemory, Set<Thread> threads,
            String[] args) {
        public static final Mpj NONE = new Mpj(new Alone(), null, false, Set.of(), new String[0]);

        Mpj withMemory(RankEnvironment self) {
            Placement placement = self.localSize() == self.size()
                    ? Placement.oneHost(self.size(), self.rank())
                    : Placement.exchange(transport, self.host());
            SharedMemory opened = SharedMemory.open(transport, placement).orElse(null);
            return new Mpj(transport, opened, opened == null && !placement.isAlone(), threads, args);
        }
    }

    /**
     * Over UCX if all ranks can, otherwise over TCP.
     *
     * @throws IllegalStateException when MPJ does not start
     * @throws UsageException        when the user wants UCX and this rank has none, or ports of which none is free
     */
    public static Mpj start(RankEnvironment self, ControlLink link) {
        return startDevice(self, link).withMemory(self);
    }

    private static Mpj startDevice(RankEnvironment self, ControlLink link) {
        String device = self.traffic().device();
        if (device.equals(NIODEV)) {
            return startNiodev(self, link);
        }
        if (device.equals(TCP)) {
            return startTcp(self, link);
        }
        boolean oneHost = self.localSize() == self.size();
        Optional<UcxDevice> ucx = Optional.empty();
        String reason = "the ranks are on several hosts, where UCX's ports would be open to everyone "
                + "(--dev ucx takes it all the same)";
        if (oneHost || !device.equals(AUTO)) {
            try {
                ucx = Optional.of(UcxDevice.open(System.getProperty(LIBRARIES, ""), oneHost));
            } catch (IllegalStateException e) {
                reason = "rank " + self.rank() + " on host " + self.host() + ": " + e.getMessage();
                if (!device.equals(AUTO)) {
                    throw new UsageException("mpjrun: --dev ucx: " + reason
                            + ": install the package libucx0 there, or leave --dev out", e);
                }
            }
        }
        byte[] address = ucx.map(UcxDevice::address).orElse(new byte[0]);
        try {
            link.send(new Message.Worker(address, ucx.isPresent() ? "" : reason));
        } catch (IOException e) {
            throw new IllegalStateException("it cannot join the others: " + e.getMessage(), e);
        }
        List<byte[]> all = link.workers();
        if (ucx.isPresent() && !all.isEmpty()) {
            ucx.get().join(self.rank(), all);
            return init(Integer.toString(self.rank()), "", UcxDevice.NAME);
        }
        ucx.ifPresent(UcxDevice::finish);
        return startTcp(self, link);
    }

    private static Mpj startTcp(RankEnvironment self, ControlLink link) {
        String address = link.address(self);
        try {
            TcpDevice device = TcpDevice.open(self.rank(), self.size(), InetAddress.getByName(address),
                    self.traffic().ports(), self.token(), self.traffic().encrypt());
            link.send(new Message.Ports(address, device.port(), 0, device.certificate()));
            List<TcpDevice.Address> all = new ArrayList<>();
            for (Peer peer : link.table().peers()) {
                all.add(new TcpDevice.Address(new InetSocketAddress(InetAddress.getByName(peer.host()),
                        peer.readPort()), peer.certificate()));
            }
            device.join(all);
        } catch (BindException e) {
            throw new UsageException("mpjrun: rank " + self.rank() + " on host " + self.host() + " cannot listen on "
                    + address + ": " + e.getMessage() + (self.traffic().ports().equals(PortRange.ANY)
                            ? ""
                            : ": give --ports a range that is free, with a port for each rank of a host and one for the launcher"),
                    e);
        } catch (IOException e) {
            throw new IllegalStateException("it cannot join the others: " + e.getMessage(), e);
        }
        return init(Integer.toString(self.rank()), "", TcpDevice.NAME);
    }

    private static Mpj startNiodev(RankEnvironment self, ControlLink link) {
        try (Rendezvous rendezvous = Rendezvous.open(self.rank(), (readPort, writePort) -> {
            link.send(new Message.Ports(link.address(self), readPort, writePort, ""));
            return link.table();
        })) {
            String conf = "#Number of Processes;" + self.size() + ";#Protocol Switch Limit;" + MpjTransport.EAGER
                    + ";#Server Name;127.0.0.1;#Server Port;" + rendezvous.port();
            return init(Integer.toString(self.rank()), conf, NIODEV);
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
    public static Mpj init(String... args) {
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
            throw new IllegalStateException("it cannot join the others (" + cause + ")"
                    + (args[2].equals(NIODEV) ? ": " + Message.Joined.WHY_NOT : ""), e);
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        Set<Thread> own = new HashSet<>(Thread.getAllStackTraces().keySet());
        own.removeAll(threads);
        return new Mpj(new MpjTransport(MPI.COMM_WORLD, !args[2].equals(NIODEV)), null, false, own, rest);
    }
}
