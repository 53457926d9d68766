package dev.lockstep.job;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file that a job leaves behind: whole or not there at all, never half. */
final class TargetFile {
    interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private TargetFile() {}

    /**
     * @param option the option that names the file, for the sentence
     * @throws UsageException when the file could not be written when the job ends
     */
    static void check(String option, String file) {
        var path = Path.of(file);
        if (file.isEmpty() || Files.isDirectory(path)) {
            throw new UsageException(option + " " + file + " is a directory; name a file in it");
        }
        var directory = path.toAbsolutePath().getParent();
        if (!Files.isDirectory(directory)) {
            throw new UsageException(
                    option + " " + file + ": there is no directory " + directory + "; create it first");
        }
        boolean replaceable = !Files.exists(path) || Files.isRegularFile(path);
        if (replaceable && !Files.isWritable(directory)) {
            throw new UsageException(option + " " + file + ": this user must not write in " + directory);
        }
        if (Files.exists(path) && !Files.isWritable(path)) {
            throw new UsageException(option + " " + file + " is write-protected; name another file");
        }
    }

    /**
     * Writes beside the target and moves the finished file over it, so that a reader finds the old content or the new. A
     * link is followed; a device or pipe is written to directly. What a process leaves beside the target when it is killed
     * the next one that writes there takes up, so no more than one such file ever lies about.
     */
    static void write(String file, Content content) throws IOException {
        var path = Path.of(file);
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            try (var out = new BufferedOutputStream(Files.newOutputStream(path, StandardOpenOption.WRITE))) {
                content.writeTo(out);
            }
            return;
        }
        var target = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
        // not createTempFile, which would keep the results from other users whatever the umask says
        var unfinished = target.resolveSibling("." + target.getFileName() + ".unfinished");
        try {
            try (var channel = FileChannel.open(unfinished, StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
                    var out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16)) {
                content.writeTo(out);
                out.flush();
                channel.force(true);
            }
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }
}
