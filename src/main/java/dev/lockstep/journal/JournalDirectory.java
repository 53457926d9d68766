package dev.lockstep.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;

/**
 * The directory of a job's journals, seen from rank 0: {@code OUTPUT.journal} beside the results, or a temporary one where
 * the results go to no file and nothing can be taken up again.
 */
public final class JournalDirectory implements Closeable {
    /**
     * What {@code job.json} says.
     *
     * @param format of the journals
     * @param run    runs so far, this one included
     * @param name   of this run, by which a rank finds out whether it sees the same directory
     * @param launch the name of the launcher's job; empty: it has none
     * @param sum    CRC32C of the rest, by which damage shows
     */
    public record Job(int format, int run, String name, @Nullable String launch, Fingerprint fingerprint, String sum) {
        static Job of(int run, String name, String launch, Fingerprint fingerprint) {
            return new Job(Journal.FORMAT, run, name, launch, fingerprint, sum(run, name, launch, fingerprint));
        }

        private static String sum(int run, String name, @Nullable String launch, Fingerprint fingerprint) {
            CRC32C sum = new CRC32C();
            // a journal of an earlier version says nothing about a launch
            sum.update((run + " " + name + (launch == null ? "" : " " + launch) + " " + fingerprint)
                    .getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().toHexDigits((int) sum.getValue());
        }

        /** @throws IOException when there is none, or it is damaged */
        static Job read(Path directory) throws IOException {
            Job job = Json.MAPPER.readValue(directory.resolve(JOB).toFile(), Job.class);
            if (job == null || job.format == Journal.FORMAT
                    && !sum(job.run, job.name, job.launch, job.fingerprint).equals(job.sum)) {
                throw new IOException("it is damaged");
            }
            return job;
        }
    }

    private static final String JOB = "job.json";

    private final Path path;
    private final String output;
    private final boolean resume;
    private final boolean temporary;
    private int runsBefore;
    private @Nullable Job job;
    private @Nullable FileChannel locked;

    private JournalDirectory(Path path, String output, boolean resume, boolean temporary) {
        this.path = path;
        this.output = output;
        this.resume = resume;
        this.temporary = temporary;
    }

    /**
     * @param output where the results go; {@code -} is stdout
     * @param resume whether what an earlier run finished is kept
     * @param again  the name of the launcher's job, where ranks of it have died: what they finished is kept as well; else empty
     * @throws UsageException when an earlier run left results there and nobody said what is to become of them, or when
     *                        results that go to no file are to be taken up again
     */
    public static JournalDirectory of(String output, boolean resume, String again) throws IOException {
        boolean file = !output.equals("-") && (!Files.exists(Path.of(output)) || Files.isRegularFile(Path.of(output)));
        if (!file) {
            if (resume) {
                throw new UsageException("--resume needs results in a file; " + (output.equals("-")
                        ? "give --output F"
                        : "--output " + output + " is none"));
            }
            return new JournalDirectory(Files.createTempDirectory("lockstep-"), output, false, true);
        }
        Path path = Path.of(output + ".journal").toAbsolutePath();
        checkOwner(path, output);
        boolean resumes = resume || !again.isEmpty() && isOf(again, path);
        if (!resumes && JournalIndex.hasResults(path)) {
            throw new UsageException("--output " + output + ": " + output + ".journal holds rows of a run that did not "
                    + "finish; add --resume to continue it, or remove that directory to start over");
        }
        return new JournalDirectory(path, output, resumes, false);
    }

    /** Ranks may have died before they came to begin with an older journal, which is then not theirs to go on with. */
    private static boolean isOf(String launch, Path path) {
        try {
            return launch.equals(Job.read(path).launch);
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether what earlier runs finished is kept. */
    public boolean resumes() {
        return resume;
    }

    /** What somebody else put there may have been made to be believed, or to be written through. */
    private static void checkOwner(Path path, String output) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new UsageException("--output " + output + ": " + output + ".journal is not a directory; remove it or "
                    + "name another --output");
        }
        Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!owner.equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
            throw new UsageException("--output " + output + ": " + output + ".journal is another user's; remove it or "
                    + "name another --output");
        }
        if (!Files.isReadable(path) || !Files.isWritable(path) || !Files.isExecutable(path)) {
            throw new UsageException("--output " + output + ": this user may not read and write in " + output
                    + ".journal; allow it or name another --output");
        }
    }

    /**
     * @throws UsageException when the earlier run that is to go on was a different one; says in what
     */
    public void check(Fingerprint now) throws IOException {
        if (!resume || JournalIndex.files(path).isEmpty()) {
            return;
        }
        Job before;
        try {
            before = Job.read(path);
        } catch (IOException e) {
            throw new UsageException("--resume: " + output + ".journal/" + JOB + ", which says what the rows "
                    + "there belong to, cannot be read; remove " + output + ".journal to start over", e);
        }
        if (before.format != Journal.FORMAT) {
            throw new UsageException("--resume: " + output
                    + ".journal was written by another version of Lockstep; finish the job with that version, or remove "
                    + output + ".journal to start over");
        }
        Optional<String> difference = before.fingerprint.differenceTo(now);
        if (difference.isPresent()) {
            throw new UsageException("--resume: " + output + ".journal belongs to another job: " + difference.get()
                    + "; run the same job again, or name another --output");
        }
        runsBefore = before.run;
    }

    /**
     * Makes the directory ready for this run; from here on a run that ends early leaves it behind.
     *
     * @param launch the name of the launcher's job, or empty
     * @throws UsageException when another run is writing there
     */
    public Job begin(Fingerprint fingerprint, String launch) throws IOException {
        try {
            JournalFile.makeDirectory(path);
            if (temporary) {
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    try {
                        remove();
                    } catch (IOException e) {
                        // what is left in the temporary directory is the system's to remove
                    }
                }, "temporary-journal"));
            }
            FileChannel file = FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE,
                    LinkOption.NOFOLLOW_LINKS);
            locked = file;
            lock(file::tryLock, output);
            if (!resume) {
                removeJournals();
            }
            for (Path journal : JournalIndex.files(path)) {
                cutTornLine(journal);
            }
            Job mine = Job.of(runsBefore + 1, UUID.randomUUID().toString(), launch, fingerprint);
            writeJob(mine);
            job = mine;
            return mine;
        } catch (FileSystemException e) {
            throw new IOException("the journal " + path + " cannot be written: " + IoReason.of(e), e);
        }
    }

    private void writeJob(Job mine) throws IOException {
        AtomicFile.write(path.resolve(JOB).toString(), out -> Json.pretty().writeValue(out, mine));
    }

    /** Puts back what says whose journals these are, where somebody removed them; ranks put back their own. */
    public void stay() throws IOException {
        if (job != null && !Files.exists(path.resolve(JOB))) {
            JournalFile.makeDirectory(path);
            writeJob(job);
        }
    }

    /** A lock that lasts as long as its file is open. */
    interface Locking {
        /** Null where another process has the lock. */
        @Nullable
        FileLock tryLock() throws IOException;
    }

    /**
     * @throws UsageException when another run has the lock
     */
    static void lock(Locking file, String output) {
        boolean free;
        try {
            free = file.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            free = false;
        } catch (IOException e) {
            System.err.println("generate: there are no locks where " + output + ".journal is (" + IoReason.of(e)
                    + "), so a second run with this --output would not be noticed: do not start one");
            free = true;
        }
        if (!free) {
            throw new UsageException("--output " + output + ": another run is writing " + output
                    + ".journal; wait for its end or name another --output");
        }
    }

    /** What comes after the last whole line was being written when the host or the process died. */
    private static void cutTornLine(Path journal) throws IOException {
        try (FileChannel channel = FileChannel.open(journal, StandardOpenOption.READ, StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS)) {
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
    public static boolean isSeen(Path path, String name) {
        try {
            return name.equals(Job.read(path).name);
        } catch (IOException e) {
            return false;
        }
    }

    public Path path() {
        return path;
    }

    /** The results are where they belong: the journals have done their work. */
    public void remove() throws IOException {
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
