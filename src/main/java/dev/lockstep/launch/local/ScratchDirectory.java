package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Map;

import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;

/**
 * The temporary directory of a job's ranks on one host. A rank that is killed removes nothing; whoever started it does. A
 * directory whose launcher or agent was killed itself is removed by the next one of the same user.
 */
public final class ScratchDirectory {
    private static final String PREFIX = "lockstep-";
    /** Locked as long as somebody is there. */
    private static final String IN_USE = "in-use";
    /** A directory without its lock may be one that is being made. */
    private static final Duration YOUNG = Duration.ofMinutes(1);

    private final Path directory;
    private final FileChannel inUse; // closing it, as the end of this process does, lets the lock go

    private ScratchDirectory(Path directory, FileChannel inUse) {
        this.directory = directory;
        this.inUse = inUse;
    }

    /** @throws UsageException when it cannot be made */
    static ScratchDirectory create(Map<String, String> environment) {
        String variable = environment.getOrDefault("TMPDIR", "");
        Path base = Path.of(variable.isEmpty() ? "/tmp" : variable).toAbsolutePath();
        try {
            removeAbandoned(base);
            Path directory = Files.createTempDirectory(base, PREFIX);
            FileChannel channel = FileChannel.open(directory.resolve(IN_USE), StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE);
            try {
                channel.lock();
            } catch (IOException e) {
                Files.delete(directory.resolve(IN_USE)); // a file system without locks: then nobody else removes it
            }
            return new ScratchDirectory(directory, channel);
        } catch (IOException e) {
            throw new UsageException("no temporary directory can be made in " + base + " (" + IoReason.of(e)
                    + "): set TMPDIR to a directory that can be written");
        }
    }

    Path directory() {
        return directory;
    }

    /** A rank's own. */
    Path of(int rank) throws IOException {
        return Files.createDirectories(directory.resolve("rank-" + rank));
    }

    /** Removes all of it, as far as it can be. */
    public void remove() {
        delete(directory);
        try {
            inUse.close();
        } catch (IOException e) {
            // the end of this process closes it
        }
    }

    private static void removeAbandoned(Path base) {
        long old = System.currentTimeMillis() - YOUNG.toMillis();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(base, PREFIX + "*")) {
            Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
            for (Path each : all) {
                if (isAbandoned(each, self, old)) {
                    delete(each);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // whatever is there stays
        }
    }

    private static boolean isAbandoned(Path directory, Object self, long old) {
        Path lock = directory.resolve(IN_USE);
        if (!Files.isRegularFile(lock, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
            return Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS).equals(self)
                    && Files.getLastModifiedTime(lock).toMillis() < old && channel.tryLock() != null;
        } catch (IOException | OverlappingFileLockException e) {
            return false; // another user's, or somebody is there, or has just left
        }
    }

    private static void delete(Path directory) {
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException e) {
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path each, IOException e) throws IOException {
                    Files.deleteIfExists(each);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            // what cannot be removed stays
        }
    }
}
