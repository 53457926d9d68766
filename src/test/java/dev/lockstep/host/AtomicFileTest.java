package dev.lockstep.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class AtomicFileTest {
    @TempDir
    private Path dir;

    private static void write(Path file) throws IOException {
        AtomicFile.write(file.toString(), out -> out.write('n'));
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    @Test
    void write_linkWhereTheUnfinishedFileGoes_isNotWrittenThrough() throws IOException {
        Path victim = Files.writeString(dir.resolve("victim"), "precious");
        Files.createSymbolicLink(dir.resolve(".r.jsonl.unfinished"), victim);
        write(dir.resolve("r.jsonl"));
        assertThat(victim).hasContent("precious");
        assertThat(dir.resolve("r.jsonl")).hasContent("n").isRegularFile();
        assertThat(Files.isSymbolicLink(dir.resolve("r.jsonl"))).isFalse();
        assertThat(dir.resolve(".r.jsonl.unfinished")).doesNotExist();
    }

    @Test
    void write_linkToTheTarget_isFollowed() throws IOException {
        Path target = Files.writeString(dir.resolve("target"), "old");
        Path link = Files.createSymbolicLink(dir.resolve("r.jsonl"), target);
        write(link);
        assertThat(target).hasContent("n");
        assertThat(Files.isSymbolicLink(link)).isTrue();
    }

    @Test
    void write_newFile_isItsOwnersAlone_andAnOldOneKeepsItsMode() throws IOException {
        Path file = dir.resolve("r.jsonl");
        write(file);
        assertThat(mode(file)).isEqualTo("rw-------");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
        write(file);
        assertThat(mode(file)).isEqualTo("rw-rw-r--");
    }

    @Test
    void write_fullDisk_isOneSentenceThatNamesTheFile() {
        assertThatThrownBy(() -> write(Path.of("/dev/full"))).isInstanceOf(IOException.class)
                .hasMessage("/dev/full cannot be written: No space left on device");
    }

    @Test
    void write_directoryThatIsGone_isOneSentenceThatNamesTheFile() {
        Path file = dir.resolve("none/r.jsonl");
        assertThatThrownBy(() -> write(file)).isInstanceOf(IOException.class)
                .hasMessage(file + " cannot be written: there is no such file or directory");
    }

    @Test
    void writeCached_isItsOwnersAlone_whateverWasThere() throws IOException {
        Path file = dir.resolve("a/b/k.cubin");
        AtomicFile.writeCached(file, out -> out.write('o'));
        assertThat(mode(file)).isEqualTo("rw-------");
        assertThat(OwnFiles.fault(file)).isEmpty();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        AtomicFile.writeCached(file, out -> out.write('n'));
        assertThat(file).hasContent("n");
        assertThat(mode(file)).isEqualTo("rw-------");
    }

    /** One rank begins and ends while another is at it. */
    @Test
    void writeCached_byTwoAtOnce_keepsOneThatIsWhole_andNothingElse() throws IOException {
        Path file = dir.resolve("k.cubin");
        AtomicFile.writeCached(file, out -> {
            out.write("fir".getBytes(StandardCharsets.US_ASCII));
            AtomicFile.writeCached(file, other -> other.write("second".getBytes(StandardCharsets.US_ASCII)));
            assertThat(file).hasContent("second");
            out.write("st".getBytes(StandardCharsets.US_ASCII));
        });
        assertThat(file).hasContent("first");
        assertThat(dir).isDirectoryContaining(path -> path.equals(file)).isDirectoryNotContaining(
                path -> !path.equals(file));
    }

    @Test
    void writeCached_thatFails_leavesWhatWasThere_andNothingElse() throws IOException {
        Path file = dir.resolve("k.cubin");
        AtomicFile.writeCached(file, out -> out.write('o'));
        assertThatThrownBy(() -> AtomicFile.writeCached(file, out -> {
            out.write('n');
            throw new IOException("no space");
        })).hasMessage("no space");
        assertThat(file).hasContent("o");
        assertThat(dir).isDirectoryNotContaining(path -> !path.equals(file));
    }
}
