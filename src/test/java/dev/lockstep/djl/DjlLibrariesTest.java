package dev.lockstep.djl;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import ai.djl.engine.Engine;
import ai.djl.util.Utils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DjlLibrariesTest {
    /** A program of its own, which has libtorch loaded. */
    static final class Loading {
        public static void main(String[] args) {
            Decoder.load(Checkpoint.open(Golden.checkpoint("llama-gqa")), Device.CPU, DType.FLOAT32, Acceleration.FULL)
                    .close();
        }
    }

    /** A program of its own, which has no libtorch on its class path. */
    static final class Fetching {
        public static void main(String[] args) {
            System.out.println(DjlLibraries.pyTorchToBeFetched());
            try {
                DjlLibraries.load(() -> Engine.getEngine("PyTorch").getVersion());
            } catch (LibraryException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    /** Runs a program with the tests' class path and takes its output. */
    private static String output(Class<?> program, String classPath, Map<String, String> variables, String... options)
            throws Exception {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1", "-Dlockstep.home=" + System.getProperty("lockstep.home"),
                "-Dlogback.configurationFile=" + System.getProperty("lockstep.home") + "/src/test/logback.xml", "-cp",
                classPath));
        command.addAll(List.of(options));
        command.add(program.getName());
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeIf(variable -> variable.matches("(OMP|PYTORCH)_.*"));
        builder.environment().putAll(variables);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    /** What libgomp, which comes with libtorch, says when it is loaded; without the variables, and with this one. */
    private static String openMp(String name, String value) throws Exception {
        return output(Loading.class, System.getProperty("java.class.path"),
                Map.of("OMP_DISPLAY_ENV", "VERBOSE", name, value));
    }

    @Test
    void libtorch_withoutALauncher_doesNotSpin() throws Exception {
        assertThat(openMp("OMP_NUM_THREADS", "1")).contains("GOMP_SPINCOUNT = '0'");
        assertThat(openMp("OMP_WAIT_POLICY", "ACTIVE")).contains("OMP_WAIT_POLICY = 'ACTIVE'")
                .doesNotContain("GOMP_SPINCOUNT = '0'");
    }

    /** As on a GPU host, where DJL fetches the CUDA build; a port that nobody listens on stands for the missing network. */
    @Test
    void libtorch_thatCannotBeFetched_isASentenceWithTheWaysOut(@TempDir Path cache) throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        Map<String, String> variables = Map.of("DJL_CACHE_DIR", cache.toString(), "PYTORCH_FLAVOR", "cu128");
        assertThat(output(Fetching.class, withoutLibtorch(), variables, "-Dhttps.proxyHost=127.0.0.1",
                "-Dhttps.proxyPort=" + closed)).isEqualTo(cannotBeReached("Connection refused", cache));
        Map<String, String> offline = new HashMap<>(variables);
        offline.put("DJL_OFFLINE", "true");
        assertThat(output(Fetching.class, withoutLibtorch(), offline))
                .isEqualTo(cannotBeReached("Offline mode is enabled", cache));
    }

    private static String cannotBeReached(String why, Path cache) {
        return "Optional[" + cache + "/pytorch]\nThe host that DJL fetches PyTorch from cannot be reached (" + why
                + "), and " + cache
                + "/pytorch does not hold it: copy that directory from a machine of the same kind that has a network, or set "
                + "PYTORCH_LIBRARY_PATH to the libraries of an installed PyTorch, or use a bundle that brings them "
                + "(launch/bundle.sh --libtorch DIR).\n";
    }

    @Test
    void pyTorch_thatIsThere_isNotFetched(@TempDir Path cache) throws Exception {
        assertThat(DjlLibraries.pyTorchToBeFetched()).isEmpty(); // the CPU build is on the class path
        Path unpacked = Files.createDirectories(cache.resolve("pytorch/2.7.1-cu128-linux-x86_64"));
        Files.createFile(unpacked.resolve("libtorch.so"));
        assertThat(output(Fetching.class, withoutLibtorch(),
                Map.of("DJL_CACHE_DIR", cache.toString(), "DJL_OFFLINE", "true")))
                        .startsWith("Optional.empty\n");
        assertThat(output(Fetching.class, withoutLibtorch(), Map.of("DJL_CACHE_DIR", cache.resolve("none").toString(),
                "DJL_OFFLINE", "true", "PYTORCH_LIBRARY_PATH", unpacked.toString()))).startsWith("Optional.empty\n");
    }

    private static String withoutLibtorch() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("pytorch-native-cpu")).collect(Collectors.joining(File.pathSeparator));
    }

    @Test
    void load_holdsTheLockWhileItRuns() throws IOException {
        assertThat(DjlLibraries.<Boolean>load(DjlLibrariesTest::thisProcessHoldsTheLock)).isTrue();
        assertThat(thisProcessHoldsTheLock()).isFalse();
    }

    @Test
    void load_nested_keepsTheLockToTheEnd() {
        boolean held = DjlLibraries.load(() -> {
            DjlLibraries.load(() -> null);
            return thisProcessHoldsTheLock();
        });

        assertThat(held).isTrue();
    }

    @Test
    void load_failing_passesTheFailureOnAndReleases() throws IOException {
        RuntimeException failure = new IllegalStateException("no such library");

        assertThatThrownBy(() -> DjlLibraries.load(() -> {
            throw failure;
        })).isSameAs(failure);
        assertThatThrownBy(() -> DjlLibraries.load(() -> {
            throw new FileNotFoundException("libtorch.so");
        })).isInstanceOf(LibraryException.class).hasMessage("A native library cannot be loaded: libtorch.so");
        assertThat(thisProcessHoldsTheLock()).isFalse();
    }

    /** Written by others, a library could do in this process whatever they like. */
    @Test
    void check_refusesLibrariesThatOthersMayWrite(@TempDir Path cache) throws IOException {
        Path unpacked = Files.createDirectories(cache.resolve("pytorch/2.7.1-cpu-linux-x86_64"));
        Path library = Files.createFile(unpacked.resolve("libtorch.so.1"));
        Files.createFile(unpacked.resolve("version.txt"));
        DjlLibraries.check(cache);
        Files.setPosixFilePermissions(unpacked.resolve("version.txt"), PosixFilePermissions.fromString("rw-rw-rw-"));
        DjlLibraries.check(cache);
        Files.setPosixFilePermissions(library, PosixFilePermissions.fromString("rwxrwxr-x"));
        assertThatThrownBy(() -> DjlLibraries.check(cache)).isInstanceOf(LibraryException.class)
                .hasMessage("Native libraries are not loaded from " + cache + ", because " + library
                        + " may be written by other users (chmod go-w changes that); remove it, or set DJL_CACHE_DIR to a "
                        + "directory of your own.");
    }

    @Test
    void load_leavesTheMaskOfPermissionsAsItWas(@TempDir Path directory) throws IOException {
        Path before = Files.createFile(directory.resolve("before"));
        Path during = DjlLibraries.load(() -> Files.createDirectory(directory.resolve("during")));
        Path after = Files.createFile(directory.resolve("after"));
        assertThat(Files.getPosixFilePermissions(after)).isEqualTo(Files.getPosixFilePermissions(before));
        assertThat(Files.getPosixFilePermissions(during)).doesNotContain(PosixFilePermission.GROUP_WRITE,
                PosixFilePermission.OTHERS_WRITE);
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
