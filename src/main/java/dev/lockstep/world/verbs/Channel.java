package dev.lockstep.world.verbs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedInput;
import dev.lockstep.world.transport.ChunkedOutput;
import dev.lockstep.world.transport.Pipe;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;

/** One group's messages: parts with the header of the call that they belong to. */
public final class Channel {
    private static final int FIRST_TAG = 1 << 16;
    private static final int USER_TAGS = 1 << 29;
    /** Tags that a program may give its messages are below. */
    public static final int TAG_LIMIT = 1 << 16;
    private static final int GROUP_IDS = 1 << 11;

    /** Elements of an array and its first piece's number. */
    private static final int PIPED = Integer.BYTES + Long.BYTES;
    /** Shorter arrays are in one message, which is faster. */
    private static final int LEAST_PIPED = 8 << 10;

    private final Transport transport;
    private final Members members;
    private final @Nullable SharedMemory memory;

    /** @param memory what all ranks of the world share, if they do */
    public Channel(Transport transport, Members members, @Nullable SharedMemory memory) {
        this.transport = transport;
        this.members = members;
        this.memory = memory;
    }

    Members members() {
        return members;
    }

    void put(CollectiveTracker.Call call, Chunk part, int to) {
        put(call, part, to, tag(call));
    }

    void putAll(CollectiveTracker.Call call, Chunk part, int[] to) {
        for (int rank : to) {
            put(call, part, rank);
        }
    }

    void write(CollectiveTracker.Call call, int to, Collectives.Writing value) throws IOException {
        ChunkedOutput out = new ChunkedOutput(part -> put(call, part, to));
        value.to(out);
        out.finish();
    }

    <V> void send(CollectiveTracker.Call call, int to, @Nullable V value, Codec<V> codec) throws IOException {
        if (!(codec instanceof ArrayCodec<V> arrays) || !pipe(call, to, arrays.given(value), arrays)) {
            write(call, to, out -> codec.write(value, out));
        }
    }

    <V> V receive(CollectiveTracker.Call call, int from, Codec<V> codec) throws IOException {
        Chunk first = take(call, from, new byte[Chunk.HEADER + Chunk.INLINE]);
        if (first.length() < 0 && codec instanceof ArrayCodec<V> arrays) {
            return unpipe(first, from, arrays);
        }
        return Collectives.read(new ChunkedInput(first, source(call, from, first.buffer(), part -> {
        })), codec);
    }

    /** Whether an array goes through a pipe, if there is one and nothing else is in it. */
    <A> boolean pipes(ArrayCodec<A> codec, @Nullable A array) {
        return memory != null && (long) codec.length(codec.given(array)) * codec.size() >= LEAST_PIPED;
    }

    /** Sends a long array through this rank's pipe, if it has one that is free; a short message says so. */
    private <A> boolean pipe(CollectiveTracker.Call call, int to, A array, ArrayCodec<A> codec) {
        int length = codec.length(array);
        if (memory == null || !pipes(codec, array)) {
            return false;
        }
        Pipe pipe = memory.pipe(members.world()[members.self()]);
        if (!pipe.take()) {
            return false;
        }
        try {
            byte[] text = new byte[Chunk.HEADER + PIPED];
            ByteBuffer.wrap(text).putInt(Chunk.HEADER, length).putLong(Chunk.HEADER + Integer.BYTES, pipe.next());
            put(call, new Chunk(text, -PIPED, true), to);
            int most = pipe.pieceLength() / codec.size();
            for (int at = 0; at >= 0 && at < length; at += most) {
                codec.put(pipe.toWrite(members.world()[to]), 0, array, at, Math.min(most, length - at));
                pipe.written(members.world()[to]);
            }
            return true;
        } finally {
            pipe.release();
        }
    }

    private <A> A unpipe(Chunk text, int from, ArrayCodec<A> codec) {
        ByteBuffer numbers = ByteBuffer.wrap(text.buffer());
        A array = codec.create(numbers.getInt(Chunk.HEADER));
        long number = numbers.getLong(Chunk.HEADER + Integer.BYTES);
        Pipe pipe = Objects.requireNonNull(memory).pipe(members.world()[from]);
        int most = pipe.pieceLength() / codec.size();
        for (int at = 0; at >= 0 && at < codec.length(array); at += most) {
            codec.get(pipe.toRead(number), 0, array, at, Math.min(most, codec.length(array) - at));
            pipe.read(number++);
        }
        return array;
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
        return new ChunkedInput(source(call, from, new byte[Chunk.HEADER + Chunk.INLINE], before));
    }

    private Supplier<Chunk> source(CollectiveTracker.Call call, int from, byte[] first, Chunk.Sink before) {
        byte[][] buffer = {first};
        return () -> {
            Chunk part = take(call, from, buffer[0]);
            buffer[0] = part.buffer();
            before.put(part);
            return part;
        };
    }

    private void put(CollectiveTracker.Call call, Chunk part, int to, int tag) {
        ByteBuffer.wrap(part.buffer()).putInt(call.number()).put((byte) call.verb().ordinal())
                .put((byte) call.kind().ordinal()).putShort((short) call.root()).putInt(part.length())
                .putInt(members.id() << 1 | (part.last() ? 1 : 0));
        boolean inline = part.length() <= Chunk.INLINE;
        transport.send(part.buffer(), 0, Chunk.HEADER + (inline ? Math.abs(part.length()) : 0), members.world()[to],
                tag);
        if (!inline) {
            transport.send(part.buffer(), Chunk.HEADER, part.length(), members.world()[to], tag + 1);
        }
    }

    /** @param buffer is used for the part if it is large enough */
    private Chunk take(CollectiveTracker.Call call, int from, byte[] buffer) {
        int tag = tag(call);
        transport.receive(buffer, 0, Chunk.HEADER + Chunk.INLINE, members.world()[from], tag);
        ByteBuffer header = ByteBuffer.wrap(buffer);
        CollectiveTracker.Call theirs = new CollectiveTracker.Call(header.getInt(), Verb.values()[header.get()],
                Codec.Kind.values()[header.get()], header.getShort() & 0xffff);
        if (theirs.number() != call.number() || theirs.verb() != call.verb() || theirs.kind() != call.kind()
                || call.verb() != Verb.MESSAGE && theirs.root() != call.root()) {
            throw call.differsFrom(theirs, members, from);
        }
        int length = header.getInt();
        int end = header.getInt();
        if (end >>> 1 != members.id()) {
            throw new IllegalStateException("rank " + members.world()[members.self()] + " waits in group "
                    + members.id() + " for a message with tag " + call.root() + ", and rank " + members.world()[from]
                    + " has sent one in group " + (end >>> 1) + ": groups whose numbers differ by a multiple of "
                    + GROUP_IDS + " share tags, so give their messages different ones");
        }
        boolean last = (end & 1) != 0;
        if (length <= Chunk.INLINE) {
            return new Chunk(buffer, length, last);
        }
        byte[] room = buffer.length >= Chunk.HEADER + length ? buffer : new byte[Chunk.HEADER + length];
        transport.receive(room, Chunk.HEADER, length, members.world()[from], tag + 1);
        return new Chunk(room, length, last);
    }

    /** An even number; the next is for what does not fit beside the header. */
    private int tag(CollectiveTracker.Call call) {
        return call.verb() == Verb.MESSAGE
                ? USER_TAGS + (members.id() % GROUP_IDS * TAG_LIMIT + call.root()) * 2
                : FIRST_TAG + members.id() * 2;
    }
}
