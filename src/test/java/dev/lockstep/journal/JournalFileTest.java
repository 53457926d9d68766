package dev.lockstep.journal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.batch.GenerateOptions;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.results.Result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** What may happen to a journal's directory and files. */
class JournalFileTest {
    private static final Fingerprint JOB = new Fingerprint("m", "float32", "p", "s", "");

    @TempDir
    private Path temp;
    private Path dir;

    @BeforeEach
    void name() {
        dir = temp.resolve("r.jsonl.journal");
    }

    private JournalDirectory directory(String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("--output", temp.resolve("r.jsonl").toString()));
        args.addAll(List.of(more));
        GenerateOptions options = GenerateOptions.parse(args.toArray(String[]::new));
        return JournalDirectory.of(options.output(), options.resume(), "");
    }

    private static Result result(int index) {
        return new Result(index, "id", 0, "p", "t", new int[1], 3, 1, FinishReason.LENGTH, 0, null);
    }

    private void remove() throws IOException {
        for (String name : List.of("rank-0.jsonl", "rank-1.jsonl", "job.json", "lock")) {
            Files.deleteIfExists(dir.resolve(name));
        }
        Files.delete(dir);
    }

    @Test
    void directory_isItsOwnersAlone() throws IOException {
        try (JournalDirectory directory = directory()) {
            directory.begin(JOB, "");
            new Journal(new JournalFile(dir, 0), JOB.job(), 1).stop();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir))).isEqualTo("rwx------");
            for (String name : List.of("rank-0.jsonl", "job.json")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve(name)))).as(name)
                        .isEqualTo("rw-------");
            }
        }
    }

    @Test
    void directory_removedMeanwhile_comesBackWithAllRows() throws IOException {
        try (JournalDirectory directory = directory()) {
            directory.begin(JOB, "");
            List<Journal> journals = new ArrayList<>();
            for (int rank = 0; rank < 2; rank++) {
                Journal journal = new Journal(new JournalFile(dir, rank), JOB.job(), 1);
                journals.add(journal);
                journal.add(result(rank));
                journal.flush();
            }
            remove();
            for (Journal journal : journals) {
                journal.add(result(2 + journals.indexOf(journal)));
                journal.stop();
            }
            directory.stay();
            JournalIndex index = JournalIndex.read(dir, JOB.job(), 4);
            assertThat(index.count()).isEqualTo(4);
            assertThat(index.damaged()).isZero();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir))).isEqualTo("rwx------");
        }
        try (JournalDirectory again = directory("--resume")) {
            assertThatCode(() -> again.check(JOB)).doesNotThrowAnyException();
        }
    }

    @Test
    void file_replacedMeanwhile_isSaid() throws IOException {
        Files.createDirectory(dir);
        Journal journal = new Journal(new JournalFile(dir, 0), JOB.job(), 1);
        Files.move(dir.resolve("rank-0.jsonl"), dir.resolve("moved"));
        Files.writeString(dir.resolve("rank-0.jsonl"), "");
        assertThatThrownBy(journal::stop).isInstanceOf(UncheckedIOException.class)
                .hasMessageEndingWith("rank-0.jsonl was replaced by another file while the job ran");
    }

    @Test
    void directory_ofAnotherUser_isRefused() throws IOException {
        Files.createDirectory(dir);
        try {
            Files.setAttribute(dir, "unix:uid", 12345);
        } catch (IOException e) {
            assumeTrue(false, "only root can give a directory to another user");
        }
        assertThatThrownBy(() -> directory("--resume")).isInstanceOf(UsageException.class).hasMessageEndingWith(
                "r.jsonl.journal is another user's; remove it or name another --output");
    }

    @Test
    void directory_thatIsALink_isRefused() throws IOException {
        Files.createSymbolicLink(dir, Files.createDirectory(temp.resolve("elsewhere")));
        assertThatThrownBy(() -> directory("--resume")).isInstanceOf(UsageException.class)
                .hasMessageEndingWith("r.jsonl.journal is not a directory; remove it or name another --output");
    }

    @Test
    void file_thatIsALink_isNotWrittenThrough() throws IOException {
        Path victim = Files.writeString(temp.resolve("victim"), "precious");
        Files.createDirectory(dir);
        Files.createSymbolicLink(dir.resolve("rank-0.jsonl"), victim);
        assertThatThrownBy(() -> new JournalFile(dir, 0)).isInstanceOf(IOException.class);
        assertThat(victim).hasContent("precious");
    }

    @Test
    void lock_whereThereIsNone_isAWarningAndNotSilence() throws IOException {
        ByteArrayOutputStream stderr = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(stderr, true, StandardCharsets.UTF_8));
        try {
            JournalDirectory.lock(() -> {
                throw new IOException("Function not implemented");
            }, "r.jsonl");
        } finally {
            System.setErr(before);
        }
        assertThat(stderr.toString(StandardCharsets.UTF_8))
                .isEqualTo("generate: there are no locks where r.jsonl.journal "
                        + "is (Function not implemented), so a second run with this --output would not be noticed: do not start "
                        + "one\n");
        assertThatThrownBy(() -> JournalDirectory.lock(() -> null, "r.jsonl")).isInstanceOf(UsageException.class);
    }

    /** A disk that is full while lines are written, and has room for one more line afterwards. */
    @Test
    void flush_fullDisk_isOneSentenceAndTheRankStillEndsInGoodOrder() throws IOException {
        Files.createDirectory(dir);
        JournalFile file = new JournalFile(dir, 0);
        boolean[] full = {false};
        Journal journal = new Journal(lines -> {
            if (full[0] && lines.length > 100) {
                throw new IOException("No space left on device");
            }
            file.append(lines);
        }, JOB.job(), 1);
        journal.starting(List.of(new CrashSuspects.Sample(0, 0), new CrashSuspects.Sample(1, 0)), false);
        full[0] = true;
        journal.add(result(0));
        assertThatThrownBy(journal::flush).isInstanceOf(UncheckedIOException.class)
                .hasMessage(
                        "the journal cannot be written: No space left on device; nothing in it is lost: fix this and add --resume");
        journal.stopAnyway();
        JournalIndex index = JournalIndex.read(dir, JOB.job(), 2);
        assertThat(index.suspicion(1, 0)).isNull();
        assertThat(index.damaged()).isZero();
    }
}
