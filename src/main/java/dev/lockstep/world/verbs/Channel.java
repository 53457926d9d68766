package dev.lockstep.world.verbs;

import java.io.IOException;
import java.nio.ByteBuffer;

import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedInput;
import dev.lockstep.world.transport.ChunkedOutput;
import dev.lockstep.world.transport.Transport;

/** One group's collectives: parts with the header of the call that they belong to. */
public final class Channel {
    private static final int FIRST_TAG = 1 << 16;

    private final Transport transport;
    private final Members members;

    public Channel(Transport transport, Members members) {
        this.transport = transport;
        this.members = members;
    }

    Members members() {
        return members;
    }

    /** For the same calls, between some of the ranks. */
    Channel between(Members some) {
        return new Channel(transport, some);
    }

    void put(CollectiveTracker.Call call, Chunk part, int to) {
        put(call, part, to, tag());
    }

    void putAll(CollectiveTracker.Call call, Chunk part, int[] to) {
        for (int rank : to) {
            put(call, part, rank);
        }
    }

    void write(CollectiveTracker.Call call, int to, Algorithms.Writing value) throws IOException {
        ChunkedOutput out = new ChunkedOutput(part -> put(call, part, to));
        value.to(out);
        out.finish();
    }

    ChunkedInput reader(CollectiveTracker.Call call, int from) {
        return reader(call, from, part -> {
        });
    }

    /** @param children get every part before it is read here */
    ChunkedInput reader(CollectiveTracker.Call call, int from, int[] children) {
        return reader(call, from, part -> putAll(call, part, children));
    }

    /** @param before sees every part before it is read here */
    ChunkedInput reader(CollectiveTracker.Call call, int from, Chunk.Sink before) {
        byte[][] buffer = {new byte[Chunk.HEADER + Chunk.INLINE]};
        return new ChunkedInput(() -> {
            Chunk part = take(call, from, buffer[0]);
            buffer[0] = part.buffer();
            before.put(part);
            return part;
        });
    }

    private void put(CollectiveTracker.Call call, Chunk part, int to, int tag) {
        ByteBuffer.wrap(part.buffer()).putInt(call.number()).put((byte) call.verb().ordinal())
                .put((byte) call.kind().ordinal()).putShort((short) call.root()).putInt(part.length())
                .putInt(members.id() << 1 | (part.last() ? 1 : 0));
        boolean inline = part.length() <= Chunk.INLINE;
        transport.send(part.buffer(), 0, Chunk.HEADER + (inline ? part.length() : 0), members.world()[to], tag);
        if (!inline) {
            transport.send(part.buffer(), Chunk.HEADER, part.length(), members.world()[to], tag + 1);
        }
    }

    /** @param buffer is used for the part if it is large enough */
    private Chunk take(CollectiveTracker.Call call, int from, byte[] buffer) {
        int tag = tag();
        int unused = transport.receive(buffer, 0, Chunk.HEADER + Chunk.INLINE, members.world()[from], tag);
        ByteBuffer header = ByteBuffer.wrap(buffer);
        CollectiveTracker.Call theirs = new CollectiveTracker.Call(header.getInt(), Verb.values()[header.get()],
                Codec.Kind.values()[header.get()], header.getShort() & 0xffff);
        if (theirs.number() != call.number() || theirs.verb() != call.verb() || theirs.kind() != call.kind()
                || theirs.root() != call.root()) {
            throw call.differsFrom(theirs, members, from);
        }
        int length = header.getInt();
        int end = header.getInt();
        boolean last = (end & 1) != 0;
        if (length <= Chunk.INLINE) {
            return new Chunk(buffer, length, last);
        }
        byte[] room = buffer.length >= Chunk.HEADER + length ? buffer : new byte[Chunk.HEADER + length];
        unused = transport.receive(room, Chunk.HEADER, length, members.world()[from], tag + 1);
        return new Chunk(room, length, last);
    }

    /** An even number; the next is for what does not fit beside the header. */
    private int tag() {
        return FIRST_TAG + members.id() * 2;
    }
}
