package dev.lockstep.host;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/** A file that a job leaves behind, or keeps for the next one: whole or not there at all, never half. */
public final class AtomicFile {
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rw-------");

    private static final FileAttribute<?> NOT_FOR_OTHERS_TO_WRITE = PosixFilePermissions
            .asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x"));

    private static final Set<OpenOption> NEW = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);

    private AtomicFile() {}

    /**
     * @param option the option that names the file, for the sentence
     * @throws UsageException when the file could not be written when the job ends
     */
    public static void check(String option, String file) {
        var path = Path.of(file);
        if (file.isEmpty() || Files.isDirectory(path)) {
            throw new UsageException(option + " " + file + " is a directory; name a file in it");
        }
        var directory = path.toAbsolutePath().getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new UsageException(
                    option + " " + file + ": there is no directory " + directory + "; create it first");
        }
        boolean replaceable = !Files.exists(path) || Files.isRegularFile(path);
        if (replaceable && !Files.isWritable(directory)) {
            throw new UsageException(option + " " + file + ": this user may not write in " + directory);
        }
        if (Files.exists(path) && !Files.isWritable(path)) {
            throw new UsageException(option + " " + file + " is write-protected; name another file");
        }
        if (replaceable) {
            try {
                Files.delete(Files.createTempFile(directory, ".lockstep", null));
            } catch (IOException e) {
                throw new UsageException(option + " " + file + " cannot be written: "
                        + (e instanceof NoSuchFileException
                                ? "no file can be made in " + directory
                                : IoReason.of(e)),
                        e);
            }
        }
    }

    /**
     * Writes beside the target and moves the finished file over it, so that a reader finds the old content or the new. A
     * link is followed; a device or pipe is written to directly. What a process leaves beside the target when it is killed
     * the next one that writes there removes, so no more than one such file ever lies about; it is never written into, as
     * others may have put it there.
     *
     * <p>
     * A new file is for this user alone, as prompts and answers may be confidential; one that is replaced keeps its mode.
     *
     * @throws IOException when it cannot be written; the sentence names the file and the reason
     */
    public static void write(String file, Content content) throws IOException {
        try {
            replace(Path.of(file), content);
        } catch (IOException e) {
            throw new IOException(file + " cannot be written: " + IoReason.of(e), e);
        }
    }

    private static void replace(Path path, Content content) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            try (var out = new BufferedOutputStream(Files.newOutputStream(path, StandardOpenOption.WRITE))) {
                content.writeTo(out);
            }
            return;
        }
        boolean old = Files.exists(path);
        var target = old ? path.toRealPath() : path.toAbsolutePath();
        var unfinished = target.resolveSibling("." + target.getFileName() + ".unfinished");
        Files.deleteIfExists(unfinished); // of a link, the link
        moveOver(target, unfinished, old ? Files.getPosixFilePermissions(target) : PRIVATE, content);
    }

    /**
     * Writes a file of a cache in the same way, for this user alone, and makes its directory where there is none. Ranks that
     * write it at the same time each have an unfinished file of their own; the last one stays.
     */
    public static void writeCached(Path file, Content content) throws IOException {
        var target = file.toAbsolutePath();
        Files.createDirectories(target.getParent(), NOT_FOR_OTHERS_TO_WRITE);
        var unfinished = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".unfinished");
        moveOver(target, unfinished, PRIVATE, content);
    }

    private static void moveOver(Path target, Path unfinished, Set<PosixFilePermission> mode, Content content)
            throws IOException {
        try {
            try (var channel = FileChannel.open(unfinished, NEW, PosixFilePermissions.asFileAttribute(PRIVATE));
                    var out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16)) {
                if (!mode.equals(PRIVATE)) {
                    Files.setPosixFilePermissions(unfinished, mode);
                }
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
