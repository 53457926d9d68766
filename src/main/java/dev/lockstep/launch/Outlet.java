package dev.lockstep.launch;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;

/**
 * Where the ranks' lines end up.
 *
 * @param output the launcher's own stdout and stderr
 * @param files  directory for one file per rank and stream instead, or null
 * @param events hears of it when nobody reads stdout any more
 */
record Outlet(Output output, Path files, BlockingQueue<Event> events) {

    /** @param stream 1 for stdout, 2 for stderr */
    LinePump.Lines lines(int rank, int stream) throws IOException {
        if (files != null) {
            // open as long as the launcher is; every write goes to the file at once
            OutputStream file = Files.newOutputStream(files.resolve("rank." + rank + (stream == 1 ? ".out" : ".err")));
            return file::write;
        }
        return stream == 2 ? output::stderr : (bytes, offset, length) -> {
            try {
                output.stdout(bytes, offset, length);
            } catch (IOException e) {
                events.add(new Event.OutputClosed());
                throw e;
            }
        };
    }
}
