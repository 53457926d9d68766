package dev.lockstep.world.transport;

import java.io.InputStream;
import java.util.function.Supplier;

/** Reads the parts of one value as a stream. */
public final class ChunkedInput extends InputStream {
    private final Supplier<Chunk> source;
    private Chunk part = new Chunk(new byte[Chunk.HEADER], 0, false);
    private int at = Chunk.HEADER;

    /** @param first is read before what the source gives */
    public ChunkedInput(Chunk first, Supplier<Chunk> source) {
        this.source = source;
        this.part = first;
    }

    /** @param source gives the next part each time, in a buffer that may be the same */
    public ChunkedInput(Supplier<Chunk> source) {
        this.source = source;
    }

    @Override
    public int read() {
        return available() > 0 || next() ? part.buffer()[at++] & 0xff : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        if (available() == 0 && !next()) {
            return -1;
        }
        int count = Math.min(length, available());
        System.arraycopy(part.buffer(), at, bytes, offset, count);
        at += count;
        return count;
    }

    @Override
    public int available() {
        return Chunk.HEADER + part.length() - at;
    }

    /** Takes in what the reader left, so that the next message is the next value's. */
    public void drain() {
        while (!part.last()) {
            part = source.get();
        }
        at = Chunk.HEADER + part.length();
    }

    private boolean next() {
        while (!part.last()) {
            part = source.get();
            at = Chunk.HEADER;
            if (part.length() > 0) {
                return true;
            }
        }
        return false;
    }
}
