package dev.lockstep.launch.output;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

import dev.lockstep.host.Printable;

/** The launcher's stdout and stderr, shared by all ranks and by the line that shows progress. */
public final class Console {
    private static final byte[] CLEAR_LINE = "\r\033[K".getBytes(StandardCharsets.US_ASCII);

    private final FileOutputStream stdout = new FileOutputStream(FileDescriptor.out);
    private final FileOutputStream stderr = new FileOutputStream(FileDescriptor.err);
    private boolean statusShown;
    // a rank that ended within a line has left stderr there
    private boolean withinLine;

    synchronized void stdout(byte[] bytes, int offset, int length) throws IOException {
        clearStatus();
        stdout.write(bytes, offset, length);
    }

    public synchronized void stderr(byte[] bytes, int offset, int length) throws IOException {
        clearStatus();
        stderr.write(bytes, offset, length);
        withinLine = length > 0 && bytes[offset + length - 1] != '\n';
    }

    /** One line on stderr, of its own and printable; when nobody reads it there is nobody to tell. */
    public synchronized void say(String line) {
        byte[] bytes = ((withinLine ? "\n" : "") + Printable.line(line) + "\n").getBytes(StandardCharsets.UTF_8);
        try {
            stderr(bytes, 0, bytes.length);
        } catch (IOException e) {
            // as above
        }
    }

    /** Shows a line on the terminal that the next output, or the next status, replaces. */
    public synchronized void status(String line) {
        try {
            clearStatus();
            stderr.write(line.getBytes(StandardCharsets.UTF_8));
            statusShown = true;
        } catch (IOException e) {
            // no terminal, no status
        }
    }

    /** Takes the status away for good. */
    public synchronized void endStatus() {
        try {
            clearStatus();
        } catch (IOException e) {
            // as above
        }
    }

    private void clearStatus() throws IOException {
        if (statusShown) {
            statusShown = false;
            stderr.write(CLEAR_LINE);
        }
    }
}
