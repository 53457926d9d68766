package dev.lockstep.job;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.UUID;

/**
 * The directory of a job's journals, seen from rank 0: {@code OUTPUT.journal} beside the results, or a temporary one where
 * the results go to no file and nothing can be taken up again.
 */
final class JournalDirectory implements Closeable {
    /**
     * What {@code job.json} says.
     *
     * @param run  runs so far, this one included
     * @param name of this run, by which a rank finds out whether it sees the same directory
     */
    record Job(int run, String name, Fingerprint fingerprint) {}

    private static final String JOB = "job.json";

    private final Path path;
    private final String output;
    private final boolean resume;
    private final boolean temporary;
    private int runsBefore;
    private FileChannel locked;

    private JournalDirectory(Path path, String output, boolean resume, boolean temporary) {
        this.path = path;
        this.output = output;
        this.resume = resume;
        this.temporary = temporary;
    }

    /**
     * @throws UsageException when an earlier run left results there and nobody said what is to become of them, or when
     *                        results that go to no file are to be taken up again
     */
    static JournalDirectory of(GenerateOptions options) throws IOException {
        String output = options.output();
        boolean file = !output.equals("-") && (!Files.exists(Path.of(output)) || Files.isRegularFile(Path.of(output)));
        if (!file) {
            if (options.resume()) {
                throw new UsageException("--resume needs results in a file; " + (output.equals("-")
                        ? "give --output F"
                        : "--output " + output + " is none"));
            }
            return new JournalDirectory(Files.createTempDirectory("lockstep-"), output, false, true);
        }
        Path path = Path.of(output + ".journal").toAbsolutePath();
        if (!options.resume() && JournalIndex.read(path).count() > 0) {
            throw new UsageException("--output " + output + ": " + output + ".journal holds rows of a run that did not "
                    + "finish; add --resume to go on with it, or remove that directory to begin anew");
        }
        return new JournalDirectory(path, output, options.resume(), false);
    }

    /**
     * @throws UsageException when the earlier run that is to go on was a different one; says in what
     */
    void check(Fingerprint now) throws IOException {
        if (resume && !JournalIndex.files(path).isEmpty()) {
            try {
                Job job = Json.MAPPER.readValue(path.resolve(JOB).toFile(), Job.class);
                Optional<String> difference = job.fingerprint.differenceTo(now);
                if (difference.isPresent()) {
                    throw new UsageException("--resume: " + output + ".journal is of another job: " + difference.get()
                            + "; run the same job again, or name another --output");
                }
                runsBefore = job.run;
            } catch (IOException e) {
                throw new UsageException("--resume: " + output + ".journal/" + JOB + ", which says what the rows "
                        + "there belong to, cannot be read; remove " + output + ".journal to begin anew", e);
            }
        }
    }

    /**
     * Makes the directory ready for this run; from here on a run that ends early leaves it behind.
     *
     * @throws UsageException when another run is writing there
     */
    Job begin(Fingerprint fingerprint) throws IOException {
        Files.createDirectories(path);
        if (temporary) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    remove();
                } catch (IOException e) {
                    // what is left in the temporary directory is the system's to remove
                }
            }, "temporary-journal"));
        }
        lock();
        if (!resume) {
            removeJournals();
        }
        for (Path journal : JournalIndex.files(path)) {
            cutTornLine(journal);
        }
        Job job = new Job(runsBefore + 1, UUID.randomUUID().toString(), fingerprint);
        TargetFile.write(path.resolve(JOB).toString(), out -> Json.pretty().writeValue(out, job));
        return job;
    }

    private void lock() throws IOException {
        locked = FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean free;
        try {
            free = locked.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            free = false;
        } catch (IOException e) {
            free = true; // a file system that has no locks
        }
        if (!free) {
            throw new UsageException("--output " + output + ": another run is writing " + output
                    + ".journal; wait for its end or name another --output");
        }
    }

    /** What comes after the last whole line was being written when the host or the process died. */
    private static void cutTornLine(Path journal) throws IOException {
        try (FileChannel channel = FileChannel.open(journal, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer piece = ByteBuffer.allocate(1 << 16);
            long end = channel.size();
            while (end > 0) {
                long from = Math.max(0, end - piece.capacity());
                piece.clear().limit((int) (end - from));
                int length = channel.read(piece, from);
                for (int at = length - 1; at >= 0; at--) {
                    if (piece.get(at) == '\n') {
                        channel.truncate(from + at + 1);
                        return;
                    }
                }
                end = from;
            }
            channel.truncate(0);
        }
    }

    /** Whether this directory is the one of that run, which on another host it need not be. */
    static boolean isSeen(Path path, String name) {
        try {
            return Json.MAPPER.readValue(path.resolve(JOB).toFile(), Job.class).name.equals(name);
        } catch (IOException e) {
            return false;
        }
    }

    /** Where a rank's journal is kept from now on; earlier runs' lines stay. */
    static Journal.Keeper keeper(Path path, int rank) throws IOException {
        FileChannel channel = FileChannel.open(path.resolve("rank-" + rank + ".jsonl"), StandardOpenOption.CREATE,
                StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        return lines -> {
            ByteBuffer buffer = ByteBuffer.wrap(lines);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        };
    }

    Path path() {
        return path;
    }

    /** The results are where they belong: the journals have done their work. */
    void remove() throws IOException {
        removeJournals();
        Files.deleteIfExists(path.resolve(JOB));
        Files.deleteIfExists(path.resolve("lock"));
        Files.deleteIfExists(path);
    }

    private void removeJournals() throws IOException {
        for (Path journal : JournalIndex.files(path)) {
            Files.delete(journal);
        }
    }

    @Override
    public void close() throws IOException {
        if (locked != null) {
            locked.close();
        }
    }
}
