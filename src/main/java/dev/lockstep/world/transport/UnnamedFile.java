package dev.lockstep.world.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A file that has no name any more when it is there: other processes of the same user open it as a descriptor of the one that
 * has made it, as long as that has it open, and nothing is left of it once all have ended, however that happens.
 *
 * @param channel to be closed once others have opened it
 * @param name    by which they do
 */
public record UnnamedFile(FileChannel channel, String name) {
    /** Of this process, whose threads may make some at one time. */
    private static final AtomicInteger MADE = new AtomicInteger();

    /** @throws IOException when there can be none in that directory, or the system does not say what is open */
    public static UnnamedFile create(Path place) throws IOException {
        long process = ProcessHandle.current().pid();
        Path path = place.toRealPath().resolve("lockstep-" + process + "-" + Long.toHexString(System.nanoTime()) + "-"
                + MADE.incrementAndGet());
        FileChannel channel = FileChannel.open(path,
                EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            Files.delete(path);
            return new UnnamedFile(channel, descriptor(Path.of("/proc/" + process + "/fd"), path + " (deleted)"));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** What a process that was killed just then has left. */
    static void removeLeft(Path place) throws IOException {
        try (var files = Files.newDirectoryStream(place, "lockstep-*-*")) {
            for (Path each : files) {
                try {
                    String process = each.getFileName().toString().split("-")[1];
                    // one of a process that this one cannot see may be about to lose its name
                    boolean old = System.currentTimeMillis() - Files.getLastModifiedTime(each).toMillis() > 60_000;
                    if (old && process.matches("\\d{1,9}") && ProcessHandle.of(Long.parseLong(process)).isEmpty()) {
                        Files.deleteIfExists(each);
                    }
                } catch (IOException e) {
                    // has lost its name meanwhile, or is another user's
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static String descriptor(Path all, String target) throws IOException {
        try (Stream<Path> links = Files.list(all)) {
            return links.filter(each -> leadsTo(each, target)).findFirst()
                    .orElseThrow(() -> new IOException("what was opened is not in " + all)).toString();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static boolean leadsTo(Path link, String target) {
        try {
            return Files.readSymbolicLink(link).toString().equals(target);
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
