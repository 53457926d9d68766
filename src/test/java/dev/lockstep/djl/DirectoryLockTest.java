package dev.lockstep.djl;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class DirectoryLockTest {
    @TempDir
    private Path directory;

    /** In a JVM of its own: holds the lock until its input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] args) throws IOException {
            Path directory = Path.of(args[0]);
            try (FileChannel channel = DirectoryLock.open(directory)) {
                DirectoryLock.take(channel, directory, Duration.ofSeconds(60), System.err::println);
                System.out.println("held");
                System.in.read();
            }
        }
    }

    @Test
    void take_whileAnotherProcessHasIt_saysForWhomItWaits() throws Exception {
        Process holder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), Holder.class.getName(),
                directory.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        assertThat(holder.inputReader().readLine()).isEqualTo("held");
        List<String> said = Collections.synchronizedList(new ArrayList<>());
        try (FileChannel channel = DirectoryLock.open(directory)) {
            DirectoryLock.take(channel, directory, Duration.ofMillis(100), line -> {
                said.add(line);
                closeInput(holder);
            });
            assertThat(holder.waitFor()).isZero();
            assertThat(said).containsExactly("waiting for process " + holder.pid() + " on "
                    + Files.readString(Path.of("/proc/sys/kernel/hostname")).strip()
                    + " which unpacks or loads libraries and holds " + directory.resolve("lockstep.lock"));
            assertThat(directory.resolve("lockstep.lock")).content()
                    .startsWith("process " + ProcessHandle.current().pid() + " on ");
        }
    }

    @Test
    void take_whatIsFree_saysNothing() throws IOException {
        List<String> said = new ArrayList<>();
        try (FileChannel channel = DirectoryLock.open(directory)) {
            DirectoryLock.take(channel, directory, Duration.ZERO, said::add);
        }
        assertThat(said).isEmpty();
    }

    /** A channel that is closed stands for a file system that has no locks. */
    @Test
    void take_whereThereAreNoLocks_saysSo() throws IOException {
        List<String> said = new ArrayList<>();
        FileChannel channel = DirectoryLock.open(directory);
        channel.close();
        DirectoryLock.take(channel, directory, Duration.ZERO, said::add);
        assertThat(said).singleElement().asString().startsWith(directory + " cannot be locked (");
    }

    @Test
    void open_whereNothingCanBeWritten_isNoFault() {
        assertThat(DirectoryLock.open(Path.of("/proc/self/nowhere"))).isNull();
    }

    private static void closeInput(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
