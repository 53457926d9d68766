package dev.lockstep.world.transport;

import java.io.OutputStream;
import java.util.Arrays;

/** Cuts what is written into parts. */
public final class ChunkedOutput extends OutputStream {
    private final Chunk.Sink sink;
    private byte[] buffer = new byte[Chunk.HEADER + Chunk.INLINE];
    private int end = Chunk.HEADER;

    public ChunkedOutput(Chunk.Sink sink) {
        this.sink = sink;
    }

    @Override
    public void write(int value) {
        room(1);
        buffer[end++] = (byte) value;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        for (int done = 0; done < length;) {
            int count = Math.min(room(length - done), length - done);
            System.arraycopy(bytes, offset + done, buffer, end, count);
            end += count;
            done += count;
        }
    }

    /** The value is complete. A stream that is never finished sends nothing more: its writer has failed. */
    public void finish() {
        put(true);
    }

    /** How many bytes fit, at least one. */
    private int room(int wanted) {
        if (end == Chunk.HEADER + Chunk.MAX) {
            put(false);
        }
        if (buffer.length - end < wanted && buffer.length < Chunk.HEADER + Chunk.MAX) {
            long larger = Math.max(2L * buffer.length, (long) end + wanted);
            buffer = Arrays.copyOf(buffer, (int) Math.min(larger, Chunk.HEADER + Chunk.MAX));
        }
        return buffer.length - end;
    }

    private void put(boolean last) {
        sink.put(new Chunk(buffer, end - Chunk.HEADER, last));
        end = Chunk.HEADER;
    }
}
