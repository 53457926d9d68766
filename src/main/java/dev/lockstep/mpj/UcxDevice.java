package dev.lockstep.mpj;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import mpjbuf.Buffer;
import mpjbuf.Type;
import mpjdev.Request;
import mpjdev.Status;
import mpjdev.javampjdev.MPJDev;
import org.jspecify.annotations.Nullable;
import org.openucx.jucx.UcxException;
import xdev.Device;
import xdev.ProcessID;
import xdev.XDevException;

/**
 * MPJ Express's messages over UCX: shared memory inside a host, whatever fabric there is between hosts. UCX matches sources
 * and tags ({@link Tags}). Messages of up to 8,000 bytes go at once, longer ones when their receiver asks for them
 * ({@link Announcement}).
 *
 * <p>
 * Several threads may call it. A process that has ended without {@link #finish} leaves nothing behind, and nothing here keeps
 * one alive. A rank that waits for one that has died waits for ever: to end it is for others.
 */
public final class UcxDevice implements Device {
    /** The name that {@code MPI.Init} is given; any would do once {@link #join} has been called. */
    public static final String NAME = "ucx";

    private final UcxWorker ucx;
    private List<UUID> names = List.of();
    private ProcessID[] ids = {};
    private int rank;
    private long announcements;

    private UcxDevice(UcxWorker ucx) {
        this.ucx = ucx;
    }

    /**
     * @param libraries the directory of libucp.so.0; empty: the system finds it
     * @param oneHost   whether all ranks share it: then shared memory is all that is used, and nothing listens
     * @throws IllegalStateException with the reason when there is no UCX here that works
     */
    public static UcxDevice open(String libraries, boolean oneHost) {
        return new UcxDevice(UcxWorker.open(libraries, oneHost));
    }

    /** By which the other ranks reach this one: some hundred bytes that mean something to UCX. */
    public byte[] address() {
        return ucx.address();
    }

    /**
     * Makes this the device of the next {@code MPI.Init}.
     *
     * @param self      this rank
     * @param addresses of all ranks, in their order
     * @throws IllegalStateException when there are more ranks than fit in a tag, or one cannot be reached
     */
    public void join(int self, List<byte[]> addresses) {
        if (addresses.size() > Tags.RANKS) {
            throw new IllegalStateException(addresses.size() + " ranks: over UCX there are at most " + Tags.RANKS);
        }
        rank = self;
        names = IntStream.range(0, addresses.size()).mapToObj(each -> new UUID(0, each)).toList();
        ids = names.stream().map(ProcessID::new).toArray(ProcessID[]::new);
        ucx.enter();
        try {
            ucx.connect(addresses);
        } finally {
            ucx.leave();
        }
        MPJDev.dev = this;
    }

    @Override
    public ProcessID[] init(String[] args) {
        return ids;
    }

    @Override
    public int getSendOverhead() {
        return 0;
    }

    @Override
    public int getRecvOverhead() {
        return 0;
    }

    @Override
    public ProcessID id() {
        return ids[rank];
    }

    @Override
    public void finish() {
        ucx.enter();
        try {
            ucx.close();
        } finally {
            ucx.leave();
        }
    }

    @Override
    public Request isend(Buffer buffer, ProcessID to, int tag, int context) {
        return send(buffer, to, tag, context, false);
    }

    @Override
    public void send(Buffer buffer, ProcessID to, int tag, int context) {
        isend(buffer, to, tag, context).iwait();
    }

    @Override
    public Request issend(Buffer buffer, ProcessID to, int tag, int context) {
        return send(buffer, to, tag, context, true);
    }

    @Override
    public void ssend(Buffer buffer, ProcessID to, int tag, int context) {
        issend(buffer, to, tag, context).iwait();
    }

    /** @param synchronous whether it is not to be done before it is received */
    private Request send(Buffer buffer, ProcessID to, int tag, int context, boolean synchronous) {
        int receiver = rankOf(to);
        Sending sending = new Sending(ucx, rank, ucx.endpoint(receiver), buffer, new Status(to.uuid(), tag, -1));
        boolean announced = synchronous || !sending.isWhole();
        long bits = Tags.message(context, rank, tag, announced);
        ucx.enter();
        try {
            if (announced) {
                sending.announced(bits, announcements++, buffer.offset());
            } else {
                sending.whole(bits);
            }
        } catch (UcxException e) {
            throw new XDevException("UCX failed: " + e.getMessage());
        } finally {
            ucx.leave();
        }
        return sending;
    }

    @Override
    public Status recv(Buffer buffer, ProcessID from, int tag, int context) {
        return irecv(buffer, from, tag, context, new Status(from.uuid(), tag, -1)).iwait();
    }

    @Override
    public Request irecv(Buffer buffer, ProcessID from, int tag, int context, Status status) {
        long wanted = Tags.wanted(context, rankOf(from), tag);
        long mask = Tags.mask(rankOf(from), tag);
        Receiving receiving = new Receiving(ucx, names, buffer, status);
        ucx.enter();
        try {
            Arrived.Message here = ucx.arrived().remove(wanted, mask);
            if (here == null) {
                receiving.next(wanted, mask);
            } else {
                receiving.found(here.tag(), here.bytes());
            }
        } finally {
            ucx.leave();
        }
        return receiving;
    }

    @Override
    public Status probe(ProcessID from, int tag, int context) {
        Status[] status = new Status[1];
        ucx.enter();
        try {
            ucx.await(() -> (status[0] = look(from, tag, context)) != null);
        } finally {
            ucx.leave();
        }
        return status[0];
    }

    @Override
    public @Nullable Status iprobe(ProcessID from, int tag, int context) {
        Status status;
        ucx.enter();
        try {
            ucx.step();
            status = look(from, tag, context);
        } finally {
            ucx.leave();
        }
        if (status == null) {
            UcxWorker.yieldProcessor(); // whoever asks is about to ask again
        }
        return status;
    }

    private @Nullable Status look(ProcessID from, int tag, int context) {
        Arrived.Message one = ucx.arrived().look(Tags.wanted(context, rankOf(from), tag), Tags.mask(rankOf(from), tag));
        return one == null ? null : status(one);
    }

    private Status status(Arrived.Message one) {
        ByteBuffer bytes = one.bytes();
        int type = 0;
        int elements = 0;
        if (Tags.isAnnounced(one.tag())) {
            Announcement announcement = Announcement.read(bytes, 0);
            type = announcement.type();
            elements = announcement.elements();
        } else if (bytes.capacity() >= 2 * Integer.BYTES) {
            type = Memory.type(bytes, 0);
            elements = Memory.elements(bytes, 0);
        }
        return new Status(names.get(Tags.rank(one.tag())), Tags.tag(one.tag()), -1, Type.getType(type), elements);
    }

    private static int rankOf(ProcessID id) {
        return id.uuid().equals(ANY_SRC.uuid()) ? Tags.ANY : (int) id.uuid().getLeastSignificantBits();
    }

    @Override
    public Status iprobe(ProcessID from, ProcessID to, int tag, int context) {
        throw ofHybrid();
    }

    @Override
    public Status iprobeAndFetch(ProcessID from, ProcessID to, int tag, int context, Buffer buffer) {
        throw ofHybrid();
    }

    private static UnsupportedOperationException ofHybrid() {
        return new UnsupportedOperationException("only MPJ's hybrid device asks for this, which is not used here");
    }

    /** Of {@code mpjdev.Request.iwaitany}, which no method of {@code mpi} calls. */
    @Override
    public Request peek() {
        throw new UnsupportedOperationException("mpi.Request.Waitany waits for the first of several requests");
    }
}
