package dev.lockstep.mpj;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

import mpjbuf.Buffer;
import mpjdev.Request;
import mpjdev.Status;
import org.jspecify.annotations.Nullable;

import dev.lockstep.wire.PortRange;

/**
 * MPJ Express's messages over TCP. A rank listens on one port of one address; a connection is opened when two ranks first
 * send each other something, and only between those that know the job's token. Messages of up to 64 KB go at once and wait in
 * their receiver's memory, longer ones wait with their sender until they are asked for. Where nothing encrypts them they can
 * be read and changed by whoever is between the hosts.
 *
 * <p>
 * Several threads may call it. Nothing here keeps a process alive. What waits for a rank that is gone fails after a few
 * seconds, if the job has not ended by then.
 */
public final class TcpDevice extends RankDevice {
    /** The name that {@code MPI.Init} is given; any would do once {@link #join} has been called. */
    public static final String NAME = "tcp";
    private static final int EAGER = 64 << 10;

    private final TcpConnections connections;
    private final String certificate;

    private TcpDevice(TcpConnections connections, String certificate) {
        this.connections = connections;
        this.certificate = certificate;
    }

    /**
     * How a rank is reached.
     *
     * @param certificate the sum of the one that it shows; empty: nothing is encrypted
     */
    public record Address(InetSocketAddress socket, String certificate) {}

    /**
     * Begins to listen.
     *
     * @param self    this rank
     * @param size    of the job
     * @param address by which the others reach this host; no other is listened on
     * @param token   the job's
     * @param encrypt whether what is sent is encrypted
     * @throws IOException when there is no port for it
     */
    public static TcpDevice open(int self, int size, InetAddress address, PortRange ports, String token,
            boolean encrypt) throws IOException {
        Certificate certificate = encrypt ? Certificate.create() : null;
        TcpDevice device = new TcpDevice(new TcpConnections(self, size, address, ports, token, certificate),
                certificate == null ? "" : certificate.sum());
        device.become(self, size);
        return device;
    }

    /** On which it listens. */
    public int port() {
        return connections.port();
    }

    /** The sum of the certificate that it shows the others; empty: nothing is encrypted. */
    public String certificate() {
        return certificate;
    }

    /**
     * From now on this can send.
     *
     * @param addresses of all ranks, in their order
     */
    public void join(List<Address> addresses) {
        connections.reach(addresses);
    }

    @Override
    public void finish() {
        connections.finish();
    }

    @Override
    Progress progress() {
        return connections.reader();
    }

    @Override
    Request send(Buffer buffer, int to, int tag, int context, Status status, boolean synchronous) {
        TcpSending sending = new TcpSending(progress(), buffer, status);
        boolean announced = synchronous || sending.length() > EAGER;
        if (to == self()) {
            sendOwn(sending, announced, tag, context);
            return sending;
        }
        TcpConnection connection = connections.to(to);
        if (announced) {
            connection.send(sending.frame(TcpFrame.ANNOUNCED, context, tag, connection.announce(sending)), null);
        } else {
            connection.send(sending.frame(TcpFrame.WHOLE, context, tag, 0), sending);
        }
        return sending;
    }

    private void sendOwn(TcpSending sending, boolean waits, int tag, int context) {
        TcpFrame frame = sending.frame(waits ? TcpFrame.ANNOUNCED : TcpFrame.WHOLE, context, tag, 0);
        TcpArrival message = waits
                ? TcpArrival.own(self(), frame, sending)
                : TcpArrival.own(self(), frame, sending.copy());
        TcpReceiving receiving = connections.matching().arrive(message);
        if (receiving != null) {
            receiving.take(message);
        }
        if (!waits) {
            sending.done();
        }
        connections.reader().moved();
    }

    @Override
    Request receive(Buffer buffer, int from, int tag, int context, Status status) {
        TcpReceiving receiving = new TcpReceiving(this, buffer, from, tag, context, status);
        TcpArrival here = connections.matching().post(receiving);
        if (here != null) {
            receiving.take(here);
            if (here.own() != null) {
                connections.reader().moved();
            }
        } else if (from >= 0) {
            TcpConnection connection = connections.known(from);
            String failure = connection == null ? null : connection.failure();
            if (failure != null) {
                connections.matching().giveUp(from).forEach(each -> each.fail(failure));
            }
        }
        return receiving;
    }

    @Override
    @Nullable
    Status look(int from, int tag, int context) {
        TcpArrival one = connections.matching().look(from, tag, context);
        return one == null
                ? null
                : found(one.from(), one.frame().tag(), one.frame().what().type(), one.frame().what().elements());
    }
}
