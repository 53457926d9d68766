package dev.lockstep.world.verbs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedInput;
import dev.lockstep.world.transport.ChunkedOutput;
import dev.lockstep.world.transport.Pipe;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;

/**
 * How messages travel between the ranks of a group. The beginning of each, up to 4 KB of it, goes with a tag of the
 * transport that all messages of the group share, so that a receiver may wait for any of them; it never waits. The rest
 * follows with a tag that is this message's alone, so that nothing comes between, whoever sends and receives meanwhile.
 */
final class Mail implements Inbox.Source {
    /** Above those of collectives. */
    private static final int REST_TAGS = 1 << 29;
    private static final int RESTS = 1 << 28;
    private static final int BEGINNING_TAGS = REST_TAGS + RESTS;
    /** Of a long array that goes through memory instead: its elements, and its first piece's number there. */
    private static final int PIPED = Integer.BYTES + Long.BYTES;
    /** Shorter arrays are in one message, which is faster. */
    private static final int LEAST_PIPED = 8 << 10;
    private static final AtomicInteger NEXT = new AtomicInteger();

    /**
     * A message that has begun to arrive.
     *
     * @param id    tells the rests of one sender's messages apart
     * @param bytes of the value, without what arrays have before their elements; -1 where the sender could not tell
     * @param first part, of which {@code buffer} may have the header only; of a length below 0 it says where the array is
     */
    record Letter(int from, int tag, Codec.Kind kind, int id, long bytes, Chunk first) {
        boolean isWhole() {
            return first.last() && first.length() <= Chunk.INLINE;
        }
    }

    private final Transport transport;
    private final Members members;
    private final @Nullable SharedMemory memory;
    private byte @Nullable [] buffer; // of whoever is at the transport

    /** @param memory what the ranks of a host share, if they do */
    Mail(Transport transport, Members members, @Nullable SharedMemory memory) {
        this.transport = transport;
        this.members = members;
        this.memory = memory;
    }

    /** What one message is sent as: its parts, in order. */
    final class Outgoing implements Chunk.Sink {
        private final int to;
        private final int tag;
        private final Codec.Kind kind;
        private final long bytes;
        private final int id = NEXT.getAndIncrement() & RESTS - 1;
        private boolean begun;

        /** @param bytes -1 when nobody knows before the last part */
        private Outgoing(int to, int tag, Codec.Kind kind, long bytes) {
            this.to = members.world()[to];
            this.tag = tag;
            this.kind = kind;
            this.bytes = bytes;
        }

        @Override
        public void put(Chunk part) {
            begin(part);
            rest(part);
        }

        /** Sends what never waits. */
        void begin(Chunk part) {
            long told = bytes < 0 && part.last() ? part.length() : bytes;
            ByteBuffer.wrap(part.buffer()).putShort((short) tag).put((byte) kind.ordinal())
                    .put((byte) (part.last() ? 1 : 0)).putInt(id).putInt(part.length())
                    .putInt(told > Integer.MAX_VALUE ? -1 : (int) told);
            int inline = part.length() <= Chunk.INLINE ? Math.abs(part.length()) : 0;
            transport.send(part.buffer(), 0, Chunk.HEADER + inline, to,
                    begun ? REST_TAGS + id : BEGINNING_TAGS + members.id());
            begun = true;
        }

        private void rest(Chunk part) {
            if (part.length() > Chunk.INLINE) {
                transport.send(part.buffer(), Chunk.HEADER, part.length(), to, REST_TAGS + id);
            }
        }

        /** Sends what is left of parts of which the first has begun. */
        void rest(List<Chunk> parts) {
            rest(parts.get(0));
            parts.subList(1, parts.size()).forEach(this::put);
        }
    }

    Outgoing outgoing(int to, int tag, Codec.Kind kind, long bytes) {
        return new Outgoing(to, tag, kind, bytes);
    }

    <V> void send(@Nullable V value, Codec<V> codec, int to, int tag) throws IOException {
        Runnable piped = codec instanceof ArrayCodec<V> arrays ? pipe(arrays.given(value), arrays, to, tag) : null;
        if (piped != null) {
            piped.run();
            return;
        }
        ChunkedOutput out = new ChunkedOutput(outgoing(to, tag, codec.kind(), codec.bytes(value)));
        codec.write(value, out);
        out.finish();
    }

    /** Whether an array goes through a pipe, if nothing else is in it. */
    <A> boolean pipes(ArrayCodec<A> codec, @Nullable A array, int to) {
        return memory != null && memory.placement().isHere(members.world()[to])
                && codec.bytes(codec.given(array)) >= LEAST_PIPED;
    }

    /**
     * Begins to send a long array through this rank's pipe, which never waits.
     *
     * @return sends the rest; null when this array is too short, or there is no pipe, or it is not free
     */
    <A> @Nullable Runnable pipe(A array, ArrayCodec<A> codec, int to, int tag) {
        if (memory == null || !pipes(codec, array, to)) {
            return null;
        }
        Pipe pipe = memory.pipe(members.world()[members.self()]);
        if (!pipe.take()) {
            return null;
        }
        byte[] text = new byte[Chunk.HEADER + PIPED];
        ByteBuffer.wrap(text).putInt(Chunk.HEADER, codec.length(array)).putLong(Chunk.HEADER + Integer.BYTES,
                pipe.next());
        boolean begun = false;
        try {
            outgoing(to, tag, codec.kind(), codec.bytes(array)).begin(new Chunk(text, -PIPED, true));
            begun = true;
        } finally {
            if (!begun) {
                pipe.release();
            }
        }
        return () -> {
            try {
                int most = pipe.pieceLength() / codec.size();
                for (int at = 0; at >= 0 && at < codec.length(array); at += most) {
                    codec.put(pipe.toWrite(members.world()[to]), 0, array, at,
                            Math.min(most, codec.length(array) - at));
                    pipe.written(members.world()[to]);
                }
            } finally {
                pipe.release();
            }
        };
    }

    private <A> A unpipe(Letter letter, ArrayCodec<A> codec) {
        ByteBuffer numbers = ByteBuffer.wrap(letter.first().buffer());
        A array = codec.create(numbers.getInt(Chunk.HEADER));
        long number = numbers.getLong(Chunk.HEADER + Integer.BYTES);
        Pipe pipe = Objects.requireNonNull(memory).pipe(members.world()[letter.from()]);
        int most = pipe.pieceLength() / codec.size();
        for (int at = 0; at >= 0 && at < codec.length(array); at += most) {
            codec.get(pipe.toRead(number), 0, array, at, Math.min(most, codec.length(array) - at));
            pipe.read(number++);
        }
        return array;
    }

    @Override
    public Letter next() {
        byte[] whole = buffer == null ? new byte[Chunk.HEADER + Chunk.INLINE] : buffer;
        buffer = whole;
        int from = transport.receive(whole, 0, whole.length, Transport.ANY, BEGINNING_TAGS + members.id());
        ByteBuffer header = ByteBuffer.wrap(whole);
        int userTag = header.getShort() & 0xffff;
        Codec.Kind kind = Codec.Kind.values()[header.get()];
        boolean last = header.get() != 0;
        int id = header.getInt();
        int length = header.getInt();
        int bytes = header.getInt();
        // as long as nobody asks for it, it takes no more memory than it has bytes
        byte[] kept = Arrays.copyOf(whole, Chunk.HEADER + (length <= Chunk.INLINE ? Math.abs(length) : 0));
        return new Letter(members.rankOf(from), userTag, kind, id, bytes, new Chunk(kept, length, last));
    }

    @Override
    public boolean isThere() {
        return transport.isThere(BEGINNING_TAGS + members.id());
    }

    /** The whole of a message. */
    <V> V receive(Letter letter, Codec<V> codec) throws IOException {
        if (letter.first().length() < 0 && codec instanceof ArrayCodec<V> arrays) {
            return unpipe(letter, arrays);
        } else if (letter.first().length() < 0 && codec instanceof ArrayCodec<?>.Range range) {
            @SuppressWarnings("unchecked") // a range is a codec of numbers
            V length = (V) into(letter, range);
            return length;
        }
        return Algorithms.read(read(letter), codec);
    }

    private <A> Integer into(Letter letter, ArrayCodec<A>.Range range) {
        return range.take(unpipe(letter, range.codec()));
    }

    private ChunkedInput read(Letter letter) {
        Chunk[] before = new Chunk[1];
        int from = members.world()[letter.from()];
        int tag = REST_TAGS + letter.id();
        return new ChunkedInput(() -> {
            Chunk part = before[0];
            if (part == null) {
                part = letter.first();
            } else {
                byte[] buffer = part.buffer().length >= Chunk.HEADER + Chunk.INLINE
                        ? part.buffer()
                        : new byte[Chunk.HEADER + Chunk.INLINE];
                int unused = transport.receive(buffer, 0, Chunk.HEADER + Chunk.INLINE, from, tag);
                ByteBuffer header = ByteBuffer.wrap(buffer);
                part = new Chunk(buffer, header.getInt(8), header.get(3) != 0);
            }
            if (part.length() > Chunk.INLINE) {
                byte[] room = part.buffer().length >= Chunk.HEADER + part.length()
                        ? part.buffer()
                        : new byte[Chunk.HEADER + part.length()];
                int unused = transport.receive(room, Chunk.HEADER, part.length(), from, tag);
                part = new Chunk(room, part.length(), part.last());
            }
            before[0] = part;
            return part;
        });
    }
}
