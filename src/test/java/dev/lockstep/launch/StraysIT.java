package dev.lockstep.launch;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.host.HostName;
import dev.lockstep.wire.CompiledProgram;
import dev.lockstep.wire.Frames;
import dev.lockstep.wire.HostRanks;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.Past;
import dev.lockstep.wire.Traffic;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Connections from strangers, to the launcher and to a rank that waits for the others, disturb nothing. */
class StraysIT {
    /** Before the rank that calls another, on a connection of Lockstep's TCP. */
    private static final int TCP_MAGIC = 0x4c6f636b;

    @TempDir
    private Path scratch;
    private final List<Socket> open = new ArrayList<>();

    @ParameterizedTest
    @LongRun(butFor = 2)
    @ValueSource(strings = {"ucx", "tcp", "niodev"})
    void strangers_duringBootstrap_disturbNothing(String device) throws Exception {
        Path go = scratch.resolve("go");
        try (Launched launched = mpjrun("-np", "2", "--dev", device, "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.Programs", "when",
                go.toString()).start()) {
            awaitTrue(Duration.ofSeconds(30), () -> launched.ranks().stream()
                    .filter(rank -> Launched.environment(rank).contains("LOCKSTEP_COORDINATOR=")).count() == 2);
            ProcessHandle rank0 = launched.ranks().get(0);
            int coordinator = Integer.parseInt(variable(rank0, "LOCKSTEP_COORDINATOR").replaceFirst(".*:", ""));
            List<Integer> ports = new ArrayList<>(List.of(coordinator));
            if (!device.equals("ucx")) { // over UCX a rank opens none
                awaitTrue(Duration.ofSeconds(30), () -> loopbackPorts(rank0).size() == 1);
                ports.add(loopbackPorts(rank0).get(0));
            }
            for (int port : ports) {
                knock(port, new byte[0]);
                knock(port, new byte[]{0, 0});
                knock(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                knock(port, new byte[]{-1, -2, -3, -4, -5, -6, -7, -8, -9});
                knock(port, "\0\14Sending Info\0".getBytes(StandardCharsets.ISO_8859_1));
                knock(port, new byte[32]);
                knock(port, new byte[32], hello(1));
                knock(port, Arrays.copyOf(hello(1), 12));
                for (int i = 0; i < 1000; i++) {
                    knock(port, new byte[]{0});
                }
            }
            if (device.equals("ucx")) {
                assertThat(openPorts(rank0)).isEmpty();
            }
            Files.createFile(go);
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stdout()).isEqualTo("[0, 1]\n");
            assertThat(result.stderr()).isEmpty();
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    /** A thousand times at every port, while ranks send each other messages: strangers of all kinds. */
    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(strings = {"tcp", "tcp --encrypt"})
    void strangers_whileRanksSend_disturbNothing(String device) throws Exception {
        Path go = scratch.resolve("go");
        String[] words = Stream.of(Stream.of("-np", "3", "--dev"), Stream.of(device.split(" ")),
                Stream.of("-cp", TEST_CLASSES, "dev.lockstep.fixtures.MpjProgram", "until", go.toString()))
                .flatMap(each -> each).toArray(String[]::new);
        try (Launched launched = mpjrun(words).start()) {
            launched.awaitStdout("ready");
            List<Integer> ports = new ArrayList<>(loopbackPorts(launched.launcher()));
            for (ProcessHandle rank : launched.ranks()) {
                assertThat(openPorts(rank)).isEmpty();
                assertThat(loopbackPorts(rank)).hasSize(1);
                ports.addAll(loopbackPorts(rank));
            }
            assertThat(ports).hasSize(4);
            Random random = new Random(1);
            for (int i = 0; i < 1000; i++) {
                for (int port : ports) {
                    knock(port, stranger(i, random));
                    Socket last = open.get(open.size() - 1);
                    if (i % 4 == 0 || open.size() > 400) { // the others stay
                        last.close();
                        open.remove(open.size() - 1);
                    }
                }
                if (i == 500) {
                    impostor(ports.get(1));
                }
            }
            Files.createFile(go);
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stdout()).isEqualTo("ready\nchecked by 3\n");
            assertThat(result.stderr()).isEmpty();
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    /** Nothing, one byte, garbage, another protocol, a rank's first words and no more, and with a nonce. */
    private static byte[] stranger(int kind, Random random) {
        ByteBuffer first = ByteBuffer.allocate(40).putInt(TCP_MAGIC).putInt(random.nextInt(5) - 1);
        byte[] garbage = new byte[random.nextInt(300)];
        random.nextBytes(garbage);
        return switch (kind % 6) {
            case 0 -> new byte[0];
            case 1 -> new byte[]{(byte) kind};
            case 2 -> garbage;
            case 3 -> "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
            case 4 -> Arrays.copyOf(first.array(), 8);
            default -> first.put(new byte[32]).array();
        };
    }

    /** Says all that a rank would say, but does not know the token. */
    private static void impostor(int port) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            out.writeInt(TCP_MAGIC);
            out.writeInt(2);
            out.write(new byte[32]);
            byte[] answer = new byte[64];
            in.readFully(answer);
            out.write(Arrays.copyOfRange(answer, 32, 64)); // the only proof that it has seen
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    /** MPJ Express takes whoever connects for a rank, and then waits for ever for the one that it has no place for. */
    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(ints = {0, 1})
    void stranger_atAnMpjPort_endsTheJobWithASentence(int which) throws Exception {
        Path go = scratch.resolve("go");
        try (Launched launched = mpjrun("-np", "2", "--dev", "niodev", "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.Programs", "when", go.toString()).env("LOCKSTEP_BOOTSTRAP_TIMEOUT", "4")
                        .start()) {
            awaitTrue(Duration.ofSeconds(30), () -> launched.ranks().size() == 2);
            ProcessHandle rank0 = launched.ranks().get(0);
            awaitTrue(Duration.ofSeconds(30), () -> openPorts(rank0).size() == 2);
            new Socket(InetAddress.getLoopbackAddress(), openPorts(rank0).get(which)).close();
            Files.createFile(go);
            Launched.Result result = launched.await();
            // which of the two is a matter of moments
            String inside = "ranks? [01](, 1)? of 2 ha(s|ve) not come out of MPI.Init within 4 s .*: rank "
                    + "[01] is in it on host \\S+ \\(process \\d+\\).*; ";
            String out = "rank [01] on host \\S+ failed first: it cannot join the others \\(.*\\): ";
            assertThat(result.stderr()).hasLineCount(1)
                    .matches("mpjrun: (" + inside + "|" + out + ")" + Message.Joined.WHY_NOT + "\n");
            assertThat(result.exitCode()).isEqualTo(result.stderr().contains("MPI.Init") ? 124 : 1);
            assertThat(result.elapsed()).isLessThan(Duration.ofSeconds(15));
        }
    }

    @Test
    void agent_runsNothingForALauncherThatDoesNotKnowTheToken() throws Exception {
        Path ran = scratch.resolve("ran");
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                Launched agent = Launched.script(Launched.HOME.resolve("launch/rank.sh"), "--agent", "ssh", "0")
                        .input("token " + server.getLocalPort() + " " + HostName.here() + " 127.0.0.1\n")
                        .start();
                Socket visitor = server.accept()) {
            assertThat(visitor.getInputStream().readNBytes(32)).hasSize(32);
            visitor.getOutputStream().write(new byte[64]);
            JobSpec job = new JobSpec("cpu", Traffic.by("niodev"), true, List.of(TEST_CLASSES),
                    List.of("dev.lockstep.fixtures.Programs", "touch", ran.toString()), CompiledProgram.NONE,
                    Map.of(), Map.of(), "/", "",
                    false, Past.NONE);
            Frames.write(visitor.getOutputStream(),
                    new Message.Assignment(HostRanks.all(1, "here"), job, false));
            Launched.Result result = agent.await();
            assertThat(result.exitCode()).isEqualTo(2);
            assertThat(result.stderr()).hasLineCount(1)
                    .contains("(what listens there is not this job's launcher)");
            assertThat(ran).doesNotExist();
        }
    }

    /** Connects, says so much and stays. */
    private void knock(int port, byte[]... bytes) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        open.add(socket);
        try {
            for (byte[] each : bytes) {
                socket.getOutputStream().write(each);
            }
        } catch (SocketException e) {
            // shown the door for what came first
        }
    }

    private static byte[] hello(int rank) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Frames.write(out, new Message.Hello(rank, 1, "nowhere"));
        return out.toByteArray();
    }

    /** The ports on 127.0.0.1 on which a process listens. */
    private static List<Integer> loopbackPorts(ProcessHandle process) {
        return listeningPorts(process, "0100007F:");
    }

    /** The ports on all interfaces on which a process listens. */
    private static List<Integer> openPorts(ProcessHandle process) {
        return listeningPorts(process, "00000000:");
    }

    private static List<Integer> listeningPorts(ProcessHandle process, String address) {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        try (Stream<Path> files = Files.list(proc.resolve("fd"))) {
            List<String> sockets = new ArrayList<>();
            for (Path file : files.toList()) {
                if (Files.isSymbolicLink(file)) {
                    sockets.add(Files.readSymbolicLink(file).toString());
                }
            }
            List<Integer> ports = new ArrayList<>();
            for (String table : List.of("tcp", "tcp6")) {
                for (String line : Files.readAllLines(Path.of("/proc/net", table))) {
                    String[] fields = line.strip().split("\\s+");
                    // state 0A listens; an IPv4 address in an IPv6 socket ends the same
                    if (fields[3].equals("0A") && fields[1].contains(address)
                            && sockets.contains("socket:[" + fields[9] + "]")) {
                        ports.add(Integer.parseInt(fields[1].replaceFirst(".*:", ""), 16));
                    }
                }
            }
            return ports;
        } catch (IOException e) {
            return List.of(); // files come and go
        }
    }

    private static String variable(ProcessHandle process, String name) throws IOException {
        return Stream.of(Files.readString(Path.of("/proc", Long.toString(process.pid()), "environ")).split("\0"))
                .filter(entry -> entry.startsWith(name + "=")).findFirst().orElseThrow().substring(name.length() + 1);
    }
}
