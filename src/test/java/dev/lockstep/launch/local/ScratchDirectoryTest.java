package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ScratchDirectoryTest {
    @TempDir
    private Path base;

    private ScratchDirectory create() {
        return ScratchDirectory.create(Map.of("TMPDIR", base.toString()));
    }

    @Test
    void remove_leavesNothing_andFollowsNoLink() throws IOException {
        Path other = Files.createDirectory(base.resolve("other"));
        Files.createFile(other.resolve("kept"));
        ScratchDirectory scratch = create();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(scratch.directory())))
                .isEqualTo("rwx------");
        Path deep = Files.createDirectories(scratch.of(3).resolve("a/b"));
        Files.createFile(deep.resolve("c"));
        Files.createSymbolicLink(deep.resolve("link"), other);
        scratch.remove();
        try (Stream<Path> left = Files.walk(base)) {
            assertThat(left).containsExactlyInAnyOrder(base, other, other.resolve("kept"));
        }
    }

    @Test
    void create_removesWhatADeadLauncherLeft_andNothingElse() throws IOException {
        Path dead = Files.createDirectories(base.resolve("lockstep-dead/rank-0")).getParent();
        Path young = Files.createDirectories(base.resolve("lockstep-young"));
        Path unlike = Files.createDirectories(base.resolve("lockstep-unlike"));
        ScratchDirectory alive = create();
        Files.createFile(young.resolve("in-use"));
        for (Path old : new Path[]{Files.createFile(dead.resolve("in-use")), alive.directory().resolve("in-use")}) {
            Files.setLastModifiedTime(old, FileTime.from(Instant.now().minusSeconds(120)));
        }
        ScratchDirectory next = create();
        try (Stream<Path> left = Files.list(base)) {
            assertThat(left).containsExactlyInAnyOrder(young, unlike, alive.directory(), next.directory());
        }
        alive.remove();
        next.remove();
    }

    @Test
    void create_whereItCannotBe_isASentence() throws IOException {
        Path file = Files.createFile(base.resolve("file"));
        assertThatThrownBy(() -> ScratchDirectory.create(Map.of("TMPDIR", file.toString())))
                .isInstanceOf(UsageException.class)
                .hasMessage("no temporary directory can be made in " + file
                        + " (Not a directory): set TMPDIR to a directory that can be written");
        assertThatThrownBy(() -> ScratchDirectory.create(Map.of("TMPDIR", base + "/none")))
                .hasMessage("no temporary directory "
                        + "can be made in " + base
                        + "/none (there is no such file or directory): set TMPDIR to a directory that "
                        + "can be written");
    }
}
