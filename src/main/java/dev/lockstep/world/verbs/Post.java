package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * Values of any kind from rank to rank in one step of a collective: as their bytes in memory that the ranks share, where
 * there is any and they fit, otherwise by messages. In each step a rank {@linkplain #open opens}, {@linkplain #put puts}
 * what others are to have, {@linkplain #close closes}, and then sends what did not fit; it takes what it wants before or
 * after that.
 */
final class Post {
    /** The length of what does not fit. */
    private static final int TOO_LONG = -1;
    /** Before a value's bytes is their number. */
    private static final int PREFIX = Long.BYTES;

    private final Channel channel;
    private final @Nullable SharedSteps steps;
    private int parts = 1;

    Post(Channel channel, @Nullable SharedSteps steps) {
        this.channel = channel;
        this.steps = steps;
    }

    /** @param each how many values have to go into a slot at most */
    void open(int each) {
        parts = each;
        if (steps != null) {
            steps.next(0);
        }
    }

    /**
     * Puts a value into the slot of a rank, which has to be this one's or one that only this rank writes into.
     *
     * @param index which of the slot's values it is
     * @return whether it is there; otherwise it has to be sent after {@link #close}
     */
    <V> boolean put(int slot, int index, @Nullable V value, Codec<V> codec) throws IOException {
        if (steps == null) {
            return false;
        }
        ByteBuffer memory = steps.slot(slot);
        int place = place(steps, index);
        Output out = new Output(memory, place + PREFIX, place + length(steps));
        try {
            codec.write(value, out);
        } catch (TooLongException e) {
            memory.putInt(place, TOO_LONG);
            return false;
        }
        memory.putInt(place, out.at - place - PREFIX);
        return true;
    }

    void close() {
        if (steps != null) {
            steps.arrive();
        }
    }

    <V> void send(CollectiveTracker.Call call, int to, @Nullable V value, Codec<V> codec) throws IOException {
        channel.write(call, to, out -> codec.write(value, out));
    }

    /** Whether a rank has put the value there. */
    boolean has(int from, int slot, int index) {
        if (steps == null) {
            return false;
        }
        ByteBuffer unused = steps.of(from);
        return steps.slot(slot).getInt(place(steps, index)) != TOO_LONG;
    }

    /** What a rank has put there. */
    <V> V get(int slot, int index, Codec<V> codec) throws IOException {
        SharedSteps shared = Objects.requireNonNull(steps);
        int place = place(shared, index);
        ByteBuffer memory = shared.slot(slot);
        return codec.read(new Input(memory, place + PREFIX, place + PREFIX + memory.getInt(place)));
    }

    /** What a rank has put there or sends. */
    <V> V take(CollectiveTracker.Call call, int from, int slot, int index, Codec<V> codec) throws IOException {
        return has(from, slot, index)
                ? get(slot, index, codec)
                : Algorithms.read(channel.reader(call, from), codec);
    }

    /**
     * A value's bytes, which are never none.
     *
     * @param room is written into
     * @return none where there is no room for them
     */
    static <V> byte[] bytes(@Nullable V value, Codec<V> codec, ByteBuffer room) throws IOException {
        Output out = new Output(room, 0, room.capacity());
        try {
            codec.write(value, out);
        } catch (TooLongException e) {
            return new byte[0];
        }
        byte[] bytes = new byte[out.at];
        room.get(0, bytes);
        return bytes;
    }

    private int place(SharedSteps shared, int index) {
        return shared.head() + index * length(shared);
    }

    private int length(SharedSteps shared) {
        return shared.room() / parts / PREFIX * PREFIX;
    }

    /** Ends the writing of a value that has turned out to be too long. */
    private static final class TooLongException extends IOException {
        private static final long serialVersionUID = 1;

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    private static final class Output extends OutputStream {
        private final ByteBuffer memory;
        private final int end;
        private int at;
        private boolean full;

        Output(ByteBuffer memory, int at, int end) {
            this.memory = memory;
            this.at = at;
            this.end = end;
        }

        @Override
        public void write(int value) throws IOException {
            if (hasRoom(1)) {
                memory.put(at++, (byte) value);
            }
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            if (hasRoom(length)) {
                memory.put(at, bytes, offset, length);
                at += length;
            }
        }

        private boolean hasRoom(int length) throws IOException {
            if (full) {
                return false; // the writer cleans up
            }
            if (length > end - at) {
                full = true;
                throw new TooLongException();
            }
            return true;
        }
    }

    private static final class Input extends InputStream {
        private final ByteBuffer memory;
        private final int end;
        private int at;

        Input(ByteBuffer memory, int at, int end) {
            this.memory = memory;
            this.at = at;
            this.end = end;
        }

        @Override
        public int read() {
            return at < end ? memory.get(at++) & 0xff : -1;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            if (length > 0 && at == end) {
                return -1;
            }
            int count = Math.min(length, end - at);
            memory.get(at, bytes, offset, count);
            at += count;
            return count;
        }

        @Override
        public int available() {
            return end - at;
        }
    }
}
