package dev.lockstep.journal;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/** Whole lines of a file with where they begin; one without an end is none. */
final class JournalLines implements Closeable {
    private final InputStream in;
    private byte[] buffer = new byte[1 << 16];
    private long bufferAt;
    private int start;
    private int end;
    private int next;
    private int filled;

    JournalLines(Path file) throws IOException {
        this.in = Files.newInputStream(file);
    }

    /** Goes to the next line; false where there is none. */
    boolean advance() throws IOException {
        start = next;
        for (int at = start;; at++) {
            if (at == filled) {
                int kept = filled - start;
                bufferAt += start;
                byte[] next = start > 0 && kept < buffer.length / 2 ? buffer : new byte[2 * buffer.length];
                System.arraycopy(buffer, start, next, 0, kept);
                buffer = next;
                start = 0;
                at = kept;
                int more = in.read(buffer, kept, buffer.length - kept);
                if (more <= 0) {
                    return false;
                }
                filled = kept + more;
            }
            if (buffer[at] == '\n') {
                end = at;
                next = at + 1;
                return true;
            }
        }
    }

    /** Where in the file the line begins. */
    long offset() {
        return bufferAt + start;
    }

    /** The line's JSON; null where the line is not exactly what was written. */
    byte @Nullable [] json(LineSeal seal) {
        int length = seal.length(buffer, start, end);
        return length < 0 ? null : Arrays.copyOfRange(buffer, start, start + length);
    }

    boolean startsWith(byte[] prefix) {
        return Arrays.equals(buffer, start, Math.min(end, start + prefix.length), prefix, 0, prefix.length);
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
