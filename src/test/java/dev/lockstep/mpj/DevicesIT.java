package dev.lockstep.mpj;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Launched;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/** Both of MPJ's devices in real ranks, what each leaves behind, and how one is chosen. */
class DevicesIT {
    private static final String PROGRAM = "dev.lockstep.fixtures.MpjProgram";
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";
    /** The state of a socket that listens, in /proc/net/tcp. */
    private static final String LISTENS = "0A";

    private Set<String> before = Set.of();

    @BeforeEach
    void lookAtSharedMemory() throws IOException {
        before = sharedMemory();
    }

    @AfterEach
    void nothingIsLeftInSharedMemory() {
        awaitTrue(Duration.ofSeconds(5), () -> before.containsAll(sharedMemoryNow()));
    }

    private static Set<String> sharedMemoryNow() {
        try {
            return sharedMemory();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files and System V segments. */
    private static Set<String> sharedMemory() throws IOException {
        Set<String> all = new HashSet<>();
        try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
            files.forEach(file -> all.add(file.toString()));
        }
        Files.readAllLines(Path.of("/proc/sysvipc/shm")).forEach(line -> all.add(line.strip().split("\\s+")[1]));
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"ucx", "niodev"})
    void selftest_passes(String device) {
        Launched.Result result = mpjrun("-np", "3", "--dev", device, "selftest").run();
        assertThat(result.exitCode()).as(result.stdout() + result.stderr()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"ucx, 2, verbs", "ucx, 5, verbs", "niodev, 4, verbs", "ucx, 2, messages 400", "ucx, 3, messages 400",
            "niodev, 2, messages 100", "ucx, 2, unexpected", "ucx, 2, threads", "ucx, 4, threads",
            "niodev, 2, threads"})
    void programs_forMpjItself(String device, String ranks, String part) {
        Launched.Result result = mpjrun(Stream.concat(Stream.of("-np", ranks, "--dev", device, "-cp", TEST_CLASSES,
                PROGRAM), Stream.of(part.split(" "))).toArray(String[]::new)).run();
        assertThat(result.exitCode()).as(result.stdout() + result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("checked by " + ranks + "\n");
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 20_000, 3_000_000})
    void ucx_messageLongerThanItsReceiver_endsTheJobWithASentence(int length) {
        Launched.Result result = mpjrun("-np", "2", "--dev", "ucx", "-cp", TEST_CLASSES, PROGRAM, "too-long",
                Integer.toString(length)).run();
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.stderr()).contains("rank 1 on host").contains("a receive")
                .contains("room for").doesNotContain("JUCX");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ucx", "niodev"})
    void rank_killed_isNamedAtOnce(String device) {
        try (Launched launched = mpjrun("-np", "3", "--dev", device, "-cp", TEST_CLASSES, PROGRAMS, "wait").start()) {
            launched.awaitStdout("ready");
            Launched.Result result = launched.killRank(1, 3);
            assertThat(result.stderr()).contains("rank 1 on host").contains("failed first: killed");
        }
    }

    @Test
    void ucx_onOneHost_opensNoPort() throws IOException {
        try (Launched launched = mpjrun("-np", "2", "--dev", "ucx", "-cp", TEST_CLASSES, PROGRAMS, "wait").start()) {
            launched.awaitStdout("ready");
            List<ProcessHandle> ranks = launched.ranks();
            assertThat(ranks).hasSize(2);
            Set<String> listening = listening();
            assertThat(sockets(launched.launcher())).as("the launcher's port, which is found")
                    .containsAnyElementsOf(listening);
            for (ProcessHandle rank : ranks) {
                assertThat(sockets(rank)).isNotEmpty().doesNotContainAnyElementsOf(listening);
            }
            launched.killLauncher(2);
        }
    }

    /** The inodes of sockets that listen. */
    private static Set<String> listening() throws IOException {
        Set<String> inodes = new HashSet<>();
        for (String table : new String[]{"/proc/net/tcp", "/proc/net/tcp6"}) {
            Files.readAllLines(Path.of(table)).stream().map(line -> line.strip().split("\\s+"))
                    .filter(fields -> fields[3].equals(LISTENS)).forEach(fields -> inodes.add(fields[9]));
        }
        return inodes;
    }

    private static Set<String> sockets(ProcessHandle process) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(process.pid()), "fd"))) {
            return files.map(DevicesIT::target).flatMap(name -> Pattern.compile("socket:\\[(\\d+)]").matcher(name)
                    .results().map(match -> match.group(1))).collect(Collectors.toSet());
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return ""; // closed since
        }
    }

    @Test
    void auto_onOneHostWithUcx_takesIt() {
        Launched.Result result = mpjrun("-np", "2", "-v", "hello").run();
        assertThat(result.stderr()).contains("mpjrun: messages go over UCX\n");
    }

    @Test
    void auto_whereUcxDoesNotStart_takesNiodevAndSaysWhy() {
        Launched.Result result = mpjrun(without("-v", "hello")).run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr())
                .contains("mpjrun: messages go over MPJ Express's niodev, not over UCX: rank 0 on host")
                .contains("UCX does not start: No such device");
        Launched.Result quiet = mpjrun(without("hello")).run();
        assertThat(quiet.exitCode()).isZero();
        assertThat(quiet.stdout()).hasLineCount(2);
        assertThat(quiet.stderr()).isEmpty();
    }

    @Test
    void ucx_whereItDoesNotStart_isASentence() {
        Launched.Result result = mpjrun(without("--dev", "ucx", "hello")).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).hasLineCount(1).startsWith("mpjrun: --dev ucx: rank ").endsWith(
                "UCX does not start: No such device: install the package libucx0 there, or leave --dev out\n");
    }

    @Test
    void ucx_whereThereIsNone_isASentence() {
        assumeFalse(Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libucp.so.0")), "this host has its own UCX");
        Launched.Result result = mpjrun("-np", "2", "--dev", "ucx", "hello")
                .env("LOCKSTEP_JAVA_OPTS", "-XX:TieredStopAtLevel=1 -Dlockstep.ucx=/nowhere").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).hasLineCount(1).startsWith("mpjrun: --dev ucx: rank ")
                .contains("UCX does not start: libucp.so.0: cannot open shared object file");
    }

    @Test
    void auto_whereOneRankHasNoUcx_takesNiodevForAll() {
        assumeFalse(Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libucp.so.0")), "this host has its own UCX");
        Launched.Result result = mpjrun("-np", "3", "-v", "-cp", TEST_CLASSES, PROGRAM, "mixed").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("checked by 3\n");
        assertThat(result.stderr()).contains("niodev, not over UCX: rank 1 on host");
    }

    /** Two ranks of whose memory UCX may use none. */
    private static String[] without(String... args) {
        return Stream.concat(Stream.of("-np", "2", "-x", "UCX_SHM_DEVICES=none", "-x", "UCX_SELF_DEVICES=none"),
                Stream.of(args)).toArray(String[]::new);
    }
}
