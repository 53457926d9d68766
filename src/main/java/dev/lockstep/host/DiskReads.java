package dev.lockstep.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process has had read from disk. */
public final class DiskReads {
    private static final Path COUNTERS = Path.of("/proc/self/io");
    private static final String FIELD = "read_bytes: ";

    private DiskReads() {}

    /** Bytes that were not in the page cache, of network file systems not all; 0 where the host does not tell. */
    public static long bytes() {
        try {
            return Files.readAllLines(COUNTERS).stream().filter(line -> line.startsWith(FIELD))
                    .mapToLong(line -> Long.parseLong(line.substring(FIELD.length()))).sum();
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }
}
