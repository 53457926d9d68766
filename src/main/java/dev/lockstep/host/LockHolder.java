package dev.lockstep.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;

/** Who holds a lock, as the locked file says it. */
public final class LockHolder {
    private static final int MOST_BYTES = 300;

    private LockHolder() {}

    /** Writes into the file that it is this process. */
    public static void write(FileChannel locked) throws IOException {
        locked.truncate(0);
        locked.write(ByteBuffer.wrap(("process " + ProcessHandle.current().pid() + " on " + HostName.here() + "\n")
                .getBytes(StandardCharsets.UTF_8)), 0);
    }

    /** For a sentence: which process on which host, or "another process" where the file says something else. */
    public static String of(FileChannel locked) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MOST_BYTES);
        locked.read(bytes, 0);
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8).strip();
        return text.matches("process \\d+ on [\\w.-]+") ? text : "another process";
    }
}
