package dev.lockstep.world.verbs;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedOutput;

/** How values of one kind become bytes and bytes become values. */
public interface Codec<V> {
    void write(@Nullable V value, OutputStream out) throws IOException;

    /** Reads one value, which may leave bytes unread that mean nothing. */
    V read(InputStream in) throws IOException;

    /** What the values are called where ranks must agree on it. */
    Kind kind();

    /** How many bytes a value has, without what is before an array's elements; -1 when only writing it would tell. */
    default long bytes(@Nullable V value) {
        return -1;
    }

    /** What another rank would receive for this value. */
    default V copy(@Nullable V value) throws IOException {
        List<InputStream> parts = new ArrayList<>();
        ChunkedOutput out = new ChunkedOutput(
                part -> parts.add(new ByteArrayInputStream(Arrays.copyOfRange(part.buffer(),
                        Chunk.HEADER, Chunk.HEADER + part.length()))));
        write(value, out);
        out.finish();
        return read(new SequenceInputStream(Collections.enumeration(parts)));
    }

    /** The kinds of values, in the order of their codes between ranks. */
    enum Kind {
        OBJECTS, BYTES, INTS, LONGS, FLOATS, DOUBLES;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
