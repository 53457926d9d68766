package dev.lockstep.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A rank's journal on disk. Lines of earlier runs stay. A write that fails leaves no part of a line, and a file that somebody
 * removes while it is written comes back with all that was in it.
 */
public final class JournalFile implements Journal.Keeper {
    private static final Set<OpenOption> OLD = Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ,
            StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    private static final Set<OpenOption> NEW = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    private static final Set<PosixFilePermission> OWN_FILE = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWN_DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Path directory;
    private final Path path;
    private FileChannel channel;
    private Object key;
    private long size;
    private long looked = System.nanoTime();

    public JournalFile(Path directory, int rank) throws IOException {
        this.directory = directory;
        path = directory.resolve("rank-" + rank + ".jsonl");
        open(OLD);
        size = channel.size();
    }

    /** Makes a directory that only this user may look into, unless there is one. */
    static void makeDirectory(Path directory) throws IOException {
        try {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWN_DIRECTORY));
        } catch (FileAlreadyExistsException e) {
            // another rank, or an earlier run
        }
    }

    private void open(Set<OpenOption> how) throws IOException {
        channel = FileChannel.open(path, how, PosixFilePermissions.asFileAttribute(OWN_FILE));
        key = attributes().fileKey();
    }

    private BasicFileAttributes attributes() throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public void append(byte[] lines) throws IOException {
        if (System.nanoTime() - looked > LOOK_NANOS) {
            look();
        }
        try {
            ByteBuffer buffer = ByteBuffer.wrap(lines);
            while (buffer.hasRemaining()) {
                channel.write(buffer, size + buffer.position());
            }
            size += lines.length;
        } catch (IOException e) {
            try {
                channel.truncate(size);
            } catch (IOException more) {
                e.addSuppressed(more); // the line without an end is cut off by the next run
            }
            throw e;
        }
    }

    @Override
    public void end() throws IOException {
        look();
        channel.close();
    }

    private void look() throws IOException {
        looked = System.nanoTime();
        try {
            if (!attributes().fileKey().equals(key)) {
                throw new IOException(path + " was replaced by another file while the job ran");
            }
        } catch (NoSuchFileException e) {
            makeDirectory(directory);
            try (FileChannel removed = channel) {
                open(NEW);
                for (long at = 0; at < size;) {
                    at += removed.transferTo(at, size - at, channel.position(at));
                }
            }
            System.err
                    .println("generate: " + path + " was removed while the job ran; its rows are written there again");
        }
    }
}
