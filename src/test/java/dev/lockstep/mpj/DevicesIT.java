package dev.lockstep.mpj;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

import dev.lockstep.fixtures.Cluster;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.SharedFiles;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** MPJ's devices in real ranks, what each leaves behind, and how one is chosen. */
class DevicesIT {
    private static final String PROGRAM = "dev.lockstep.fixtures.MpjProgram";
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";
    /** The state of a socket that listens, in /proc/net/tcp. */
    private static final String LISTENS = "0A";

    private Set<String> before = Set.of();

    @BeforeEach
    void lookAtSharedMemory() throws IOException {
        before = SharedFiles.unused();
    }

    @AfterEach
    void nothingIsLeftInSharedMemory() {
        awaitTrue(Duration.ofSeconds(5), () -> before.containsAll(SharedFiles.unused()));
    }

    @ParameterizedTest
    @LongRun(butFor = 2)
    @ValueSource(strings = {"ucx", "tcp", "tcp --encrypt", "niodev"})
    void selftest_passes(String device) {
        Launched.Result result = over(device, "-np", "3", "selftest").run();
        assertThat(result.exitCode()).as(result.stdout() + result.stderr()).isZero();
    }

    @ParameterizedTest
    @LongRun(butFor = {2, 5, 11, 14, 18, 19, 20})
    @CsvSource({"ucx, 2, verbs", "ucx, 5, verbs", "niodev, 4, verbs", "ucx, 2, messages 400", "ucx, 3, messages 400",
            "niodev, 2, messages 100", "ucx, 2, unexpected", "ucx, 2, threads", "ucx, 4, threads",
            "niodev, 2, threads", "tcp, 2, verbs", "tcp, 5, verbs", "tcp, 2, messages 400", "tcp, 3, messages 400",
            "tcp, 2, unexpected", "tcp, 2, threads", "tcp, 4, threads", "tcp, 6, all-at-once",
            "tcp, 2, interrupts", "tcp --encrypt, 3, verbs", "tcp --encrypt, 3, messages 400",
            "tcp --encrypt, 4, threads", "tcp --encrypt, 6, all-at-once"})
    void programs_forMpjItself(String device, String ranks, String part) {
        Launched.Result result = over(device, Stream.concat(Stream.of("-np", ranks, "-cp", TEST_CLASSES, PROGRAM),
                Stream.of(part.split(" "))).toArray(String[]::new)).run();
        assertThat(result.exitCode()).as(result.stdout() + result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("checked by " + ranks + "\n");
    }

    private static Launched.Command over(String device, String... args) {
        return mpjrun(Stream.concat(Stream.of("--dev"), Stream.concat(Stream.of(device.split(" ")), Stream.of(args)))
                .toArray(String[]::new));
    }

    @ParameterizedTest
    @LongRun(butFor = {1, 6})
    @CsvSource({"ucx, 200", "ucx, 20000", "ucx, 3000000", "tcp, 200", "tcp, 20000", "tcp, 3000000"})
    void messageLongerThanItsReceiver_endsTheJobWithASentence(String device, int length) {
        Launched.Result result = mpjrun("-np", "2", "--dev", device, "-cp", TEST_CLASSES, PROGRAM, "too-long",
                Integer.toString(length)).run();
        assertThat(result.exitCode()).isNotZero();
        assertThat(result.stderr()).contains("rank 1 on host").contains("a receive")
                .contains("room for").doesNotContain("JUCX");
    }

    @ParameterizedTest
    @LongRun(butFor = {1, 2})
    @CsvSource({"ucx, wait", "tcp, wait", "tcp --encrypt, wait", "niodev, wait", "ucx, wait-for-any",
            "tcp, wait-for-any",
            "niodev, wait-for-any"})
    void rank_killed_isNamedAtOnce(String device, String how) {
        try (Launched launched = over(device, "-np", "3", "-cp", TEST_CLASSES, PROGRAMS, how).start()) {
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

    /** What ss -ltnp shows: each rank one port, in the range, on the loopback interface; the launcher one too. */
    @Test
    void tcp_onOneHost_listensOnOnePortOfTheRange() throws IOException {
        try (Launched launched = mpjrun("-np", "3", "--dev", "tcp", "--ports", "41200-41230", "-cp", TEST_CLASSES,
                PROGRAMS, "wait").start()) {
            launched.awaitStdout("ready");
            Map<String, String> addresses = listeningAddresses();
            List<ProcessHandle> all = new ArrayList<>(launched.ranks());
            assertThat(all).hasSize(3);
            all.add(launched.launcher());
            for (ProcessHandle process : all) {
                List<String> own = sockets(process).stream().map(addresses::get).filter(Objects::nonNull).toList();
                assertThat(own).hasSize(1);
                String[] address = own.get(0).split(":");
                assertThat(address[0]).endsWith("0100007F");
                assertThat(Integer.parseInt(address[1], 16)).isBetween(41_200, 41_230);
            }
            launched.killLauncher(3);
        }
    }

    @Test
    void tcp_whereNoPortIsFree_isASentence() {
        Launched.Result result = mpjrun("-np", "3", "--dev", "tcp", "--ports", "41240-41241", "hello").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).hasLineCount(1).matches("mpjrun: rank \\d on host \\S+ cannot listen on 127.0.0.1: "
                + "none of the ports 41240-41241 is free: give --ports a range that is free, .*\n");
        Launched.Result none = mpjrun("-np", "2", "--ports", "4", "--dry-run", "hello").run();
        assertThat(none.exitCode()).isZero();
        Launched.Result wrong = mpjrun("-np", "2", "--ports", "9-4", "hello").run();
        assertThat(wrong.exitCode()).isEqualTo(2);
        assertThat(wrong.stderr())
                .isEqualTo("mpjrun: --ports 9-4: give a range of ports such as 40000-40100\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ucx", "niodev"})
    void encrypt_overWhatCannot_isASentence(String device) {
        Launched.Result result = mpjrun("-np", "2", "--dev", device, "--encrypt", "hello").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo(
                "mpjrun: --encrypt: " + device + " cannot; leave --dev out, or give --dev tcp\n");
    }

    /** The inodes of sockets that listen. */
    private static Set<String> listening() throws IOException {
        return listeningAddresses().keySet();
    }

    /** By inode, address and port in hexadecimal. */
    private static Map<String, String> listeningAddresses() throws IOException {
        Map<String, String> addresses = new HashMap<>();
        for (String table : new String[]{"/proc/net/tcp", "/proc/net/tcp6"}) {
            Files.readAllLines(Path.of(table)).stream().map(line -> line.strip().split("\\s+"))
                    .filter(fields -> fields[3].equals(LISTENS)).forEach(fields -> addresses.put(fields[9], fields[1]));
        }
        return addresses;
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
    void auto_whereUcxDoesNotStart_takesTcpAndSaysWhy() {
        Launched.Result result = mpjrun(without("-v", "hello")).run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr())
                .contains("mpjrun: messages go over Lockstep's TCP, not over UCX: rank 0 on host")
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
    void auto_whereOneRankHasNoUcx_takesTcpForAll() {
        assumeFalse(Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libucp.so.0")), "this host has its own UCX");
        Launched.Result result = mpjrun("-np", "3", "-v", "-cp", TEST_CLASSES, PROGRAM, "mixed").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("checked by 3\n");
        assertThat(result.stderr()).contains("Lockstep's TCP, not over UCX: rank 1 on host");
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(strings = {"ucx", "tcp", "niodev"})
    void ranksOfOneHost_shareMemoryOverEveryDevice(String device) {
        Launched.Result result = mpjrun("-np", "2", "-v", "--dev", device, "hello").run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr()).contains("mpjrun: the ranks of a host share memory\n");
    }

    /** In a mount namespace, whose memory for files has less room than the ranks want. */
    @Test
    void ranksOfOneHost_withoutRoomForMemory_sendMessagesAndSaySoOnce() {
        Cluster.Result may = Cluster.run("unshare", "--mount", "true");
        assumeTrue(may.exitCode() == 0, () -> "no mount namespace can be made: " + may.output());
        Cluster.Result result = Cluster.run("unshare", "--mount", "sh", "-c",
                "mount -t tmpfs -o size=1m tmpfs /dev/shm && exec \"$@\"", "sh",
                Launched.HOME.resolve("launch/mpjrun.sh").toString(), "-np", "3", "--dev", "tcp", "selftest");
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output().lines().filter(line -> !line.startsWith("ok "))).hasSize(1).first().asString()
                .endsWith("the ranks of a host share no memory, for which there is no room in /dev/shm: "
                        + "they send messages instead");
    }

    /** Two ranks of whose memory UCX may use none. */
    private static String[] without(String... args) {
        return Stream.concat(Stream.of("-np", "2", "-x", "UCX_SHM_DEVICES=none", "-x", "UCX_SELF_DEVICES=none"),
                Stream.of(args)).toArray(String[]::new);
    }
}
