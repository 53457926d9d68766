package dev.lockstep.model;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import ai.djl.util.Utils;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class NativeLibrariesTest {
    @Test
    void load_holdsTheLockWhileItRuns() throws IOException {
        assertThat(NativeLibraries.<Boolean>load(NativeLibrariesTest::thisProcessHoldsTheLock)).isTrue();
        assertThat(thisProcessHoldsTheLock()).isFalse();
    }

    @Test
    void load_nested_keepsTheLockToTheEnd() {
        boolean held = NativeLibraries.load(() -> {
            NativeLibraries.load(() -> null);
            return thisProcessHoldsTheLock();
        });

        assertThat(held).isTrue();
    }

    @Test
    void load_failing_passesTheFailureOnAndReleases() throws IOException {
        RuntimeException failure = new IllegalStateException("no such library");

        assertThatThrownBy(() -> NativeLibraries.load(() -> {
            throw failure;
        })).isSameAs(failure);
        assertThatThrownBy(() -> NativeLibraries.load(() -> {
            throw new FileNotFoundException("libtorch.so");
        })).isInstanceOf(ModelException.class).hasMessage("A native library cannot be loaded: libtorch.so");
        assertThat(thisProcessHoldsTheLock()).isFalse();
    }

    private static boolean thisProcessHoldsTheLock() throws IOException {
        Path file = Utils.getEngineCacheDir().resolve("lockstep.lock");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.tryLock();
            return false;
        } catch (OverlappingFileLockException e) {
            return true;
        }
    }
}
