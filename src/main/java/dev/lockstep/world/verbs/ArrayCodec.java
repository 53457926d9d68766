package dev.lockstep.world.verbs;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/** Arrays of one primitive type: the length, then the elements as the machine has them. */
@SuppressWarnings("ByteBufferBackingArray") // its blocks have an array, from the beginning
public final class ArrayCodec<A> implements Codec<A> {
    private static final int BLOCK = 1 << 16;

    /** Moves elements between an array and the buffer's bytes, from its position on. */
    private interface Move<A> {
        void at(ByteBuffer bytes, A array, int offset, int length);
    }

    public static final ArrayCodec<byte[]> BYTES = new ArrayCodec<>(Kind.BYTES, byte.class, 1,
            (bytes, array, offset, length) -> bytes.put(array, offset, length),
            (bytes, array, offset, length) -> bytes.get(array, offset, length));
    public static final ArrayCodec<int[]> INTS = new ArrayCodec<>(Kind.INTS, int.class, Integer.BYTES,
            (bytes, array, offset, length) -> bytes.asIntBuffer().put(array, offset, length),
            (bytes, array, offset, length) -> bytes.asIntBuffer().get(array, offset, length));
    public static final ArrayCodec<long[]> LONGS = new ArrayCodec<>(Kind.LONGS, long.class, Long.BYTES,
            (bytes, array, offset, length) -> bytes.asLongBuffer().put(array, offset, length),
            (bytes, array, offset, length) -> bytes.asLongBuffer().get(array, offset, length));
    public static final ArrayCodec<float[]> FLOATS = new ArrayCodec<>(Kind.FLOATS, float.class, Float.BYTES,
            (bytes, array, offset, length) -> bytes.asFloatBuffer().put(array, offset, length),
            (bytes, array, offset, length) -> bytes.asFloatBuffer().get(array, offset, length));
    public static final ArrayCodec<double[]> DOUBLES = new ArrayCodec<>(Kind.DOUBLES, double.class, Double.BYTES,
            (bytes, array, offset, length) -> bytes.asDoubleBuffer().put(array, offset, length),
            (bytes, array, offset, length) -> bytes.asDoubleBuffer().get(array, offset, length));

    private final Kind kind;
    private final Class<?> element;
    private final int size;
    private final Move<A> put;
    private final Move<A> get;

    private ArrayCodec(Kind kind, Class<?> element, int size, Move<A> put, Move<A> get) {
        this.kind = kind;
        this.element = element;
        this.size = size;
        this.put = put;
        this.get = get;
    }

    @Override
    public Kind kind() {
        return kind;
    }

    @Override
    public void write(@Nullable A array, OutputStream out) throws IOException {
        A given = Objects.requireNonNull(array, "no array is given");
        write(given, 0, length(given), out);
    }

    private void write(A array, int offset, int length, OutputStream out) throws IOException {
        ByteBuffer block = block(length);
        out.write(block.putInt(0, length).array(), 0, Integer.BYTES);
        for (int at = 0, count; at < length; at += count) {
            count = Math.min(block.capacity() / size, length - at);
            put.at(block.clear(), array, offset + at, count);
            out.write(block.array(), 0, count * size);
        }
    }

    @Override
    public A read(InputStream in) throws IOException {
        int length = readLength(in);
        A array = create(length);
        read(in, array, 0, length);
        return array;
    }

    private static int readLength(InputStream in) throws IOException {
        return ByteBuffer.wrap(in.readNBytes(Integer.BYTES)).order(ByteOrder.nativeOrder()).getInt();
    }

    private void read(InputStream in, A array, int offset, int length) throws IOException {
        ByteBuffer block = block(length);
        for (int at = 0, count; at < length; at += count) {
            count = Math.min(block.capacity() / size, length - at);
            if (in.readNBytes(block.array(), 0, count * size) < count * size) {
                throw new EOFException("an array of " + length + " " + kind + " ends after " + at);
            }
            get.at(block.clear(), array, offset + at, count);
        }
    }

    /** Of these elements: what is written is they, and what is read comes there, its number being the value. */
    public Range range(A array, int offset, int length) {
        return new Range(array, offset, length);
    }

    /** Some elements of an array. */
    public final class Range implements Codec<Integer> {
        private final A array;
        private final int offset;
        private final int length;

        private Range(A array, int offset, int length) {
            this.array = array;
            this.offset = offset;
            this.length = length;
        }

        @Override
        public void write(@Nullable Integer value, OutputStream out) throws IOException {
            ArrayCodec.this.write(array, offset, length, out);
        }

        @Override
        public Integer read(InputStream in) throws IOException {
            int come = readLength(in);
            checkRoom(come, length);
            ArrayCodec.this.read(in, array, offset, come);
            return come;
        }

        /** Has what came as an array, in place of {@link #read}. */
        Integer take(A come) {
            checkRoom(length(come), length);
            System.arraycopy(come, 0, array, offset, length(come));
            return length(come);
        }

        ArrayCodec<A> codec() {
            return ArrayCodec.this;
        }

        @Override
        public Kind kind() {
            return kind;
        }

        @Override
        public long bytes(@Nullable Integer value) {
            return (long) length * size;
        }
    }

    /** @throws IllegalArgumentException when there is less room */
    public void checkRoom(int come, int room) {
        if (come > room) {
            throw new IllegalArgumentException(come + " " + kind + " have come where there is room for " + room
                    + ": give a longer slice, or let the verb make the array");
        }
    }

    /** These elements as an array, which is the one given if they are all it has. */
    public A cut(A array, int offset, int length) {
        if (length == length(array)) {
            return array;
        }
        A part = create(length);
        System.arraycopy(array, offset, part, 0, length);
        return part;
    }

    @Override
    public A copy(@Nullable A array) {
        A copy = create(length(given(array)));
        System.arraycopy(given(array), 0, copy, 0, length(copy));
        return copy;
    }

    @Override
    public long bytes(@Nullable A array) {
        return array == null ? -1 : (long) length(array) * size;
    }

    /** @throws NullPointerException when there is none */
    A given(@Nullable A array) {
        return Objects.requireNonNull(array, "no array is given");
    }

    /** @throws IllegalArgumentException when they are not, because they are to be combined */
    public void checkSame(int firstLength, int secondLength) {
        if (firstLength != secondLength) {
            throw new IllegalArgumentException("ranks give arrays of " + firstLength + " and of " + secondLength + " "
                    + kind + " to be combined: give arrays of the same length on every rank");
        }
    }

    /** A rank's part of an array that all ranks divide, as {@code Block.of} does. */
    A block(A array, int rank, int ranks) {
        int start = start(length(array), rank, ranks);
        A block = create(start(length(array), rank + 1, ranks) - start);
        System.arraycopy(array, start, block, 0, length(block));
        return block;
    }

    /** Where that part begins. */
    int start(int length, int rank, int ranks) {
        return rank * (length / ranks) + Math.min(rank, length % ranks);
    }

    /** Bytes of an element. */
    int size() {
        return size;
    }

    /** Writes elements to a place in memory. */
    void put(ByteBuffer memory, int place, A array, int offset, int length) {
        if (length > 0) { // otherwise the offset may be beyond the array
            put.at(memory.position(place), array, offset, length);
        }
    }

    /** Reads what {@link #put} wrote. */
    void get(ByteBuffer memory, int place, A array, int offset, int length) {
        if (length > 0) {
            get.at(memory.position(place), array, offset, length);
        }
    }

    public int length(A array) {
        return Array.getLength(array);
    }

    @SuppressWarnings("unchecked") // A is the array of this element; only this class makes codecs
    public A create(int length) {
        return (A) Array.newInstance(element, length);
    }

    private ByteBuffer block(int length) {
        int bytes = (int) Math.min(BLOCK, Math.max((long) length * size, Integer.BYTES));
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }
}
