package dev.lockstep.launch;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.StockProgram;

import static dev.lockstep.fixtures.Launched.HOME;
import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitGone;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * A program started by MPJ Express's own launcher: its starter and its daemon, run as its scripts run them. Debian's
 * package has both, but in manifests that lack the libraries they use.
 */
class MpjExpressLauncherIT {
    private static final String LOGGING = "-Dlogback.configurationFile=" + HOME.resolve("conf/logback.xml");

    @TempDir
    private Path mpjHome;
    private int daemonPort;

    @BeforeEach
    void makeHome() throws IOException {
        Map<String, String> variables = System.getenv();
        String cache = Stream.of(variables.get("LOCKSTEP_CACHE"), variables.get("XDG_CACHE_HOME") + "/lockstep",
                variables.get("HOME") + "/.cache/lockstep").filter(Objects::nonNull)
                .filter(path -> Files.isDirectory(Path.of(path))).findFirst().orElse("/nowhere");
        Path lib = Stream.of(variables.get("MPJ_HOME") + "/lib", "/usr/share/mpj/lib", cache + "/mpj/usr/share/mpj/lib")
                .map(Path::of).filter(path -> Files.exists(path.resolve("starter.jar"))).findFirst().orElse(null);
        assumeTrue(lib != null, "this MPJ Express has no launcher of its own (lib/starter.jar)");
        Files.createDirectory(mpjHome.resolve("lib"));
        try (Stream<Path> jars = Files.list(lib)) {
            for (Path jar : jars.toList()) {
                Files.copy(jar, mpjHome.resolve("lib").resolve(jar.getFileName()));
            }
        }
        Files.createDirectory(mpjHome.resolve("logs"));
        Files.writeString(mpjHome.resolve("machines"), "localhost\n");
        try (ServerSocket one = new ServerSocket(0);
                ServerSocket two = new ServerSocket(0);
                ServerSocket three = new ServerSocket(0)) {
            daemonPort = one.getLocalPort();
            Files.writeString(Files.createDirectory(mpjHome.resolve("conf")).resolve("mpjexpress.conf"),
                    "mpjexpress.mpjdaemon.port.1=" + daemonPort + "\nmpjexpress.mpjdaemon.port.2="
                            + two.getLocalPort() + "\nmpjexpress.mpjrun.port.1=" + three.getLocalPort()
                            + "\nmpjexpress.mpjdaemon.loglevel=OFF\nmpjexpress.mpjrun.loglevel=OFF\n"
                            + "mpjexpress.mpi.loglevel=OFF\nmpjexpress.version=0.44\n");
        }
    }

    @Test
    void niodev_ranksAreAWorld() throws IOException {
        Process daemon = new ProcessBuilder(java("runtime.daemon.MPJDaemon", Integer.toString(daemonPort)))
                .directory(mpjHome.toFile()).redirectErrorStream(true)
                .redirectOutput(mpjHome.resolve("daemon.log").toFile()).start();
        List<ProcessHandle> left = new ArrayList<>();
        try {
            awaitTrue(Duration.ofSeconds(30), () -> isListened(daemonPort) || !daemon.isAlive());
            try (Launched starter = mpjrun("-dev", "niodev", "-machinesfile", mpjHome.resolve("machines").toString())) {
                Launched.Result result = starter.await();
                left.addAll(daemon.descendants().toList());
                assertThat(result.stdout()).contains("[rank 0 of 2 local 0 of 2 one|two words, "
                        + "rank 1 of 2 local 1 of 2 one|two words] sum 3000001 group of 1\n");
                assertThat((result.stdout() + result.stderr()).lines().filter(line -> line.startsWith("lockstep:")))
                        .containsExactly(
                                "lockstep: MPJ Express's own launcher gives ranks no GPU, and lets the others wait forever when one dies: launch/mpjrun.sh starts the same program and does "
                                        + "neither");
            }
            awaitGone(Duration.ofSeconds(10), left);
        } finally {
            daemon.descendants().forEach(ProcessHandle::destroyForcibly);
            daemon.destroyForcibly();
        }
    }

    @Test
    void multicore_endsWithOneSentence() {
        try (Launched starter = mpjrun("-dev", "multicore")) {
            assertThat(starter.await().lines()).containsExactly(
                    "MPJ Express (0.44) is started in the multicore configuration",
                    "lockstep: a rank is a process of its own, which MPJ Express's own launcher gives it with "
                            + "-dev niodev only, and not with smpdev: launch/mpjrun.sh starts the same program "
                            + "without daemons");
        }
    }

    private Launched mpjrun(String... options) {
        List<String> words = new ArrayList<>(java("runtime.starter.MPJRun", "-np", "2"));
        words.addAll(List.of(options));
        words.addAll(List.of(LOGGING, "-cp",
                String.join(File.pathSeparator, TEST_CLASSES, HOME + "/target/lockstep.jar", HOME + "/target/lib/*"),
                StockProgram.class.getName(), "one", "two words"));
        return Launched.script(Path.of(words.get(0)), words.subList(1, words.size()).toArray(String[]::new))
                .env("MPJ_HOME", mpjHome.toString()).in(mpjHome).start();
    }

    /** The class path that the launcher's manifests mean. */
    private List<String> java(String... words) {
        List<String> command = new ArrayList<>(List.of("env", "MPJ_HOME=" + mpjHome, "java",
                LOGGING, "-cp",
                String.join(File.pathSeparator, mpjHome + "/lib/*", HOME + "/target/lockstep.jar",
                        HOME + "/target/lib/*")));
        command.addAll(List.of(words));
        return command;
    }

    /** Asked of the system: a connection would be taken for a job. */
    private static boolean isListened(int port) {
        String end = String.format(":%04X", port);
        return Stream.of("/proc/net/tcp", "/proc/net/tcp6").flatMap(table -> {
            try {
                return Files.readAllLines(Path.of(table)).stream();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }).map(line -> line.strip().split("\\s+")).anyMatch(f -> f[1].endsWith(end) && f[3].equals("0A"));
    }
}
