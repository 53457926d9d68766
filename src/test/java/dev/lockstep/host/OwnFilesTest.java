package dev.lockstep.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.cuda.KernelCompiler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

class OwnFilesTest {
    @TempDir
    private Path scratch;
    private Path directory;
    private Path file;

    @BeforeEach
    void write() throws IOException {
        directory = Files.createDirectory(scratch.resolve("kernels"));
        file = Files.write(directory.resolve("k.cubin"), new byte[]{1, 2, 3});
        permit(directory, "rwxr-xr-x");
        permit(file, "rw-r--r--");
    }

    private static void permit(Path path, String permissions) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }

    private List<String> said(byte[] expected) {
        List<String> said = new ArrayList<>();
        assertThat(KernelCompiler.kept(file, said::add).orElse(null)).isEqualTo(expected);
        return said;
    }

    @Test
    void kept_ofOneselfAlone_isUsed() {
        assertThat(said(new byte[]{1, 2, 3})).isEmpty();
    }

    @Test
    void kept_nothing_isNoFault() throws IOException {
        Files.delete(file);
        assertThat(said(null)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"rwxrwxr-x, rw-r--r--, kernels", "rwxr-xrwx, rw-r--r--, kernels", "rwxr-xr-x, rw-rw-r--, k.cubin",
            "rwxr-xr-x, rw-r--rw-, k.cubin"})
    void kept_thatOthersMayWrite_isNotUsed(String ofDirectory, String ofFile, String named) throws IOException {
        permit(directory, ofDirectory);
        permit(file, ofFile);
        assertThat(said(null)).singleElement().asString().contains(named + " may be written by other users");
    }

    @ParameterizedTest
    @CsvSource({"kernels", "kernels/k.cubin"})
    void kept_ofAnotherUser_isNotUsed(String given) throws IOException {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "only root can give files away");
        Files.setAttribute(scratch.resolve(given), "unix:uid", 65534);
        assertThat(said(null)).singleElement().asString().endsWith(given + " belongs to another user (uid 65534)");
    }

    /** A link that others put there, to a file that is the user's own. */
    @Test
    void kept_throughALink_countsWhereItLeads() throws IOException {
        Path open = Files.write(scratch.resolve("open"), new byte[]{9});
        permit(open, "rw-rw-rw-");
        Files.delete(file);
        Files.createSymbolicLink(file, open);
        assertThat(said(null)).hasSize(1);
    }
}
