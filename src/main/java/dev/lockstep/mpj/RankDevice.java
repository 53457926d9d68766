package dev.lockstep.mpj;

import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import mpjbuf.Buffer;
import mpjbuf.Type;
import mpjdev.Request;
import mpjdev.Status;
import mpjdev.javampjdev.MPJDev;
import org.jspecify.annotations.Nullable;
import xdev.Device;
import xdev.ProcessID;

/**
 * What is the same whatever carries the messages: ranks are numbers here, and MPJ's names for processes are made of them.
 * Several threads may call a device.
 */
abstract class RankDevice implements Device {
    /** A receive or a probe from anyone; any tag. */
    static final int ANY = -2;

    /** Whose a message is. */
    record Sender(UUID name, int tag) {}

    private List<UUID> names = List.of();
    private ProcessID[] ids = {};
    private int self;

    /** Makes this the device of the next {@code MPI.Init}. */
    final void become(int rank, int size) {
        self = rank;
        names = IntStream.range(0, size).mapToObj(each -> new UUID(0, each)).toList();
        ids = names.stream().map(ProcessID::new).toArray(ProcessID[]::new);
        MPJDev.dev = this;
    }

    final int self() {
        return self;
    }

    final Sender sender(int rank, int tag) {
        return new Sender(names.get(rank), tag);
    }

    /** What a probe answers. */
    final Status found(int rank, int tag, int type, int elements) {
        return new Status(names.get(rank), tag, -1, Type.getType(type), elements);
    }

    /** @param synchronous whether it is not to be done before it is received */
    abstract Request send(Buffer buffer, int to, int tag, int context, Status status, boolean synchronous);

    /** @param from {@link #ANY} too, as the tag */
    abstract Request receive(Buffer buffer, int from, int tag, int context, Status status);

    abstract Progress progress();

    /** The first message that has come and is not received; null: there is none. */
    abstract @Nullable Status look(int from, int tag, int context);

    @Override
    public final ProcessID[] init(String[] args) {
        return ids;
    }

    @Override
    public final int getSendOverhead() {
        return 0;
    }

    @Override
    public final int getRecvOverhead() {
        return 0;
    }

    @Override
    public final ProcessID id() {
        return ids[self];
    }

    @Override
    public final Request isend(Buffer buffer, ProcessID to, int tag, int context) {
        return send(buffer, rankOf(to), tag, context, new Status(to.uuid(), tag, -1), false);
    }

    @Override
    public final void send(Buffer buffer, ProcessID to, int tag, int context) {
        isend(buffer, to, tag, context).iwait();
    }

    @Override
    public final Request issend(Buffer buffer, ProcessID to, int tag, int context) {
        return send(buffer, rankOf(to), tag, context, new Status(to.uuid(), tag, -1), true);
    }

    @Override
    public final void ssend(Buffer buffer, ProcessID to, int tag, int context) {
        issend(buffer, to, tag, context).iwait();
    }

    @Override
    public final Status recv(Buffer buffer, ProcessID from, int tag, int context) {
        return irecv(buffer, from, tag, context, new Status(from.uuid(), tag, -1)).iwait();
    }

    @Override
    public final Request irecv(Buffer buffer, ProcessID from, int tag, int context, Status status) {
        return receive(buffer, rankOf(from), tag, context, status);
    }

    @Override
    public final Status probe(ProcessID from, int tag, int context) {
        Status[] status = new Status[1];
        progress().until(() -> (status[0] = look(rankOf(from), tag, context)) != null);
        return status[0];
    }

    @Override
    public final @Nullable Status iprobe(ProcessID from, int tag, int context) {
        progress().once();
        Status status = look(rankOf(from), tag, context);
        if (status == null) {
            Progress.yieldProcessor(); // whoever asks is about to ask again
        }
        return status;
    }

    private static int rankOf(ProcessID id) {
        return id.uuid().equals(ANY_SRC.uuid()) ? ANY : (int) id.uuid().getLeastSignificantBits();
    }

    @Override
    public final Status iprobe(ProcessID from, ProcessID to, int tag, int context) {
        throw ofHybrid();
    }

    @Override
    public final Status iprobeAndFetch(ProcessID from, ProcessID to, int tag, int context, Buffer buffer) {
        throw ofHybrid();
    }

    private static UnsupportedOperationException ofHybrid() {
        return new UnsupportedOperationException("only MPJ's hybrid device asks for this, which is not used here");
    }

    /** Of {@code mpjdev.Request.iwaitany}, which no method of {@code mpi} calls. */
    @Override
    public final Request peek() {
        throw new UnsupportedOperationException("mpi.Request.Waitany waits for the first of several requests");
    }
}
