package dev.lockstep.mpj;

import java.nio.ByteBuffer;
import java.util.List;

import mpjbuf.Buffer;
import mpjdev.Request;
import mpjdev.Status;
import org.jspecify.annotations.Nullable;
import org.openucx.jucx.UcxException;
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
public final class UcxDevice extends RankDevice {
    /** The name that {@code MPI.Init} is given; any would do once {@link #join} has been called. */
    public static final String NAME = "ucx";

    private final UcxWorker ucx;
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
        ucx.enter();
        try {
            ucx.connect(addresses);
        } finally {
            ucx.leave();
        }
        become(self, addresses.size());
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
    Progress progress() {
        return ucx;
    }

    @Override
    Request send(Buffer buffer, int to, int tag, int context, Status status, boolean synchronous) {
        UcxSending sending = new UcxSending(ucx, self(), ucx.endpoint(to), buffer, status);
        boolean announced = synchronous || !sending.isWhole();
        long bits = Tags.message(context, self(), tag, announced);
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
    Request receive(Buffer buffer, int from, int tag, int context, Status status) {
        long wanted = Tags.wanted(context, from, tag);
        long mask = Tags.mask(from, tag);
        UcxReceiving receiving = new UcxReceiving(this, ucx, buffer, status);
        ucx.enter();
        try {
            UcxArrived.Message here = ucx.arrived().remove(wanted, mask);
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
    @Nullable
    Status look(int from, int tag, int context) {
        ucx.enter(); // a second time, where a probe waits
        try {
            UcxArrived.Message one = ucx.arrived().look(Tags.wanted(context, from, tag), Tags.mask(from, tag));
            return one == null ? null : status(one);
        } finally {
            ucx.leave();
        }
    }

    private Status status(UcxArrived.Message one) {
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
        return found(Tags.rank(one.tag()), Tags.tag(one.tag()), type, elements);
    }
}
