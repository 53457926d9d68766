package dev.lockstep.launch.output;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.BlockingQueue;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.IoReason;
import dev.lockstep.launch.ranks.LaunchEvent;

/**
 * Where the ranks' lines end up.
 *
 * @param output the launcher's own stdout and stderr
 * @param files  directory for one file per rank and stream instead, or null
 * @param events hears of it when nobody reads stdout any more
 * @param adds   whether files that are there are written on, by ranks that were started again
 */
public record OutputRouter(Console output, @Nullable Path files, BlockingQueue<LaunchEvent> events,
        boolean adds) {
    private static final String BROKEN_PIPE = "Broken pipe";

    /** For ranks that are started again, with events of their own. */
    public OutputRouter again(BlockingQueue<LaunchEvent> own) {
        return new OutputRouter(output, files, own, true);
    }

    /**
     * @param stream 1 for stdout, 2 for stderr
     * @throws IOException with a sentence when its file cannot be made
     */
    public LinePump.Lines lines(int rank, int stream) throws IOException {
        if (files == null) {
            return stream == 1
                    ? watched("stdout", output::stdout)
                    : watched("stderr", output::stderr);
        }
        Path name = files.resolve("rank." + rank + (stream == 1 ? ".out" : ".err"));
        try {
            // open as long as the launcher is; every write goes to the file at once
            OutputStream file = adds
                    ? Files.newOutputStream(name, StandardOpenOption.CREATE, StandardOpenOption.APPEND)
                    : Files.newOutputStream(name);
            return watched(name.toString(), file::write);
        } catch (IOException e) {
            throw new IOException(
                    "the output of rank " + rank + " cannot be written to " + name + ": " + IoReason.of(e),
                    e);
        }
    }

    /** What cannot be passed on ends the job: nobody should take the rest for all there was. */
    private LinePump.Lines watched(String name, LinePump.Lines lines) {
        return (bytes, offset, length) -> {
            try {
                lines.accept(bytes, offset, length);
            } catch (IOException e) {
                if (!BROKEN_PIPE.equals(e.getMessage())) {
                    events.add(new LaunchEvent.Lost(ExitCode.FAILED.code(),
                            "output of the ranks is lost: " + name + " cannot be written: "
                                    + IoReason.of(e),
                            ""));
                } else if (!name.equals("stderr")) { // of which nobody has to read all
                    events.add(new LaunchEvent.OutputClosed());
                }
                throw e;
            }
        };
    }
}
