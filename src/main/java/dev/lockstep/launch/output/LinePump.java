package dev.lockstep.launch.output;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** Passes a rank's output on byte for byte, in whole lines, so that lines of several ranks never mix. */
public final class LinePump implements Runnable {
    /** Takes one or more whole lines; the very last may lack its end. */
    public interface Lines {
        void accept(byte[] bytes, int offset, int length) throws IOException;
    }

    private final InputStream in;
    private final Lines out;
    private final byte[] prefix;
    private volatile boolean writing;
    private volatile long passed;

    /**
     * @param in     what the rank writes
     * @param prefix goes before every line; may be empty
     * @param out    where the lines go; once it fails the rest is read and dropped, so that the rank never blocks
     */
    public LinePump(InputStream in, byte[] prefix, Lines out) {
        this.in = in;
        this.prefix = prefix.clone();
        this.out = out;
    }

    @Override
    public void run() {
        byte[] buffer = new byte[1 << 16];
        int held = 0; // bytes of a line whose end has not come yet
        boolean open = true;
        try {
            for (int read; (read = in.read(buffer, held, buffer.length - held)) >= 0;) {
                int end = lastLineEnd(buffer, held, held + read);
                held += read;
                if (end > 0) {
                    open = open && pass(buffer, end);
                    System.arraycopy(buffer, end, buffer, 0, held - end);
                    held -= end;
                }
                if (held == buffer.length) {
                    buffer = Arrays.copyOf(buffer, 2 * buffer.length);
                }
            }
        } catch (IOException e) {
            // the rank is gone
        }
        if (held > 0 && open) {
            pass(buffer, held);
        }
    }

    /** Whether lines are on their way now, or how many bytes were: tells a slow reader from a pipe nobody writes to. */
    public boolean isWriting() {
        return writing;
    }

    public long passed() {
        return passed;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes it, others read
    private boolean pass(byte[] bytes, int length) {
        writing = true;
        try {
            if (prefix.length == 0) {
                out.accept(bytes, 0, length);
            } else {
                byte[] tagged = tag(bytes, length);
                out.accept(tagged, 0, tagged.length);
            }
            return true;
        } catch (IOException e) {
            return false;
        } finally {
            passed += length;
            writing = false;
        }
    }

    private byte[] tag(byte[] bytes, int length) {
        ByteArrayOutputStream tagged = new ByteArrayOutputStream(length + 16 * prefix.length);
        for (int start = 0; start < length;) {
            int end = start;
            while (end < length && bytes[end++] != '\n') {
                // to the end of the line
            }
            tagged.write(prefix, 0, prefix.length);
            tagged.write(bytes, start, end - start);
            start = end;
        }
        return tagged.toByteArray();
    }

    private static int lastLineEnd(byte[] bytes, int from, int to) {
        for (int i = to - 1; i >= from; i--) {
            if (bytes[i] == '\n') {
                return i + 1;
            }
        }
        return 0;
    }
}
