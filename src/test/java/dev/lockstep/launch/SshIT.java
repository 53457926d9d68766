package dev.lockstep.launch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.SshHosts;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.signal;
import static org.assertj.core.api.Assertions.assertThat;

/** Ranks on two hosts, with real ssh between them: network namespaces with a name and an sshd of their own. */
class SshIT {
    @RegisterExtension
    static final SshHosts HOSTS = new SshHosts();
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";
    /** So many, two at a time, that a rank is at work for a while after its first two, however late those are seen. */
    private static final int ROWS_OF_A_RANK = 40;

    private static Launched.Command program(String hosts, String... args) {
        List<String> words = new ArrayList<>(List.of("-H", hosts, "--device", "cpu", "-cp", TEST_CLASSES, PROGRAMS));
        words.addAll(Arrays.asList(args));
        return HOSTS.launch(words.toArray(String[]::new));
    }

    private static List<ProcessHandle> ranksOnHosts() {
        return HOSTS.processes().stream().filter(p -> read("/proc/" + p.pid() + "/cmdline").contains(PROGRAMS))
                .toList();
    }

    private static void awaitNothingOnHosts() {
        HOSTS.awaitNothing();
    }

    private static String read(String file) {
        try {
            return new String(Files.readAllBytes(Path.of(file)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return ""; // the process is over
        }
    }

    @Test
    @LongRun
    void messages_goOverTcp_orOverWhatIsAskedFor() {
        String reason = ", not over UCX: the ranks are on several hosts, where UCX's ports would be open to everyone "
                + "(--dev ucx takes it all the same)\n";
        for (String[] each : new String[][]{{"", "Lockstep's TCP" + reason},
                {"--encrypt --ports 41300-41320", "Lockstep's TCP, encrypted" + reason},
                {"--dev niodev", "MPJ Express's niodev\n"}, {"--dev ucx", "UCX\n"}}) {
            Launched.Result result = HOSTS.launch(Stream
                    .concat(Stream.of(each[0].split(" ")).filter(word -> !word.isEmpty()),
                            Stream.of("-H", "lsone:2,lstwo", "-v", "--device", "cpu", "-x", "UCX_TLS=tcp,self", "-cp",
                                    TEST_CLASSES, "dev.lockstep.fixtures.MpjProgram", "messages", "50"))
                    .toArray(String[]::new)).run();
            assertThat(result.exitCode()).as(each[0] + result.stderr()).isZero();
            assertThat(result.stdout()).isEqualTo("checked by 3\n");
            assertThat(result.stderr()).contains("mpjrun: messages go over " + each[1]);
        }
    }

    /** What ss -ltnp shows on the hosts: a port for each rank, of the range, on the network between them alone. */
    @Test
    void ranks_onTwoHosts_listenOnOnePortOfTheRangeEach() throws IOException {
        Path go = HOSTS.directory().resolve("go");
        try (Launched launched = HOSTS
                .launch("-H", "lsone:2,lstwo", "--device", "cpu", "--ports", "41330-41340", "--encrypt",
                        "-cp", TEST_CLASSES, "dev.lockstep.fixtures.MpjProgram", "until", go.toString())
                .start()) {
            launched.awaitStdout("ready");
            List<ProcessHandle> ranks = HOSTS.processes().stream()
                    .filter(p -> read("/proc/" + p.pid() + "/environ").contains("LOCKSTEP_RANK=")).toList();
            assertThat(ranks).hasSize(3);
            List<String> ports = new ArrayList<>();
            for (ProcessHandle rank : ranks) {
                // the network namespace's tables, where an IPv4 address in an IPv6 socket ends the same; sshd has port 22
                List<String> listening = Stream.of("tcp", "tcp6")
                        .flatMap(table -> read("/proc/" + rank.pid() + "/net/" + table).lines())
                        .map(line -> line.strip().split("\\s+")).filter(fields -> fields[3].equals("0A"))
                        .map(fields -> fields[1]).filter(address -> !address.endsWith(":0016")).toList();
                assertThat(listening).isNotEmpty().allMatch(address -> address.matches(".*0[23][0-9A-F]{2}D50A:.*"))
                        .allMatch(address -> port(address) >= 41_330 && port(address) <= 41_340);
                ports.addAll(listening);
            }
            assertThat(ports.stream().distinct()).hasSize(3);
            Files.createFile(go);
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
        } finally {
            Files.deleteIfExists(go);
        }
    }

    private static int port(String address) {
        return Integer.parseInt(address.replaceFirst(".*:", ""), 16);
    }

    /** Groups of a host, and what is shared there, among all else. */
    @Test
    @LongRun
    void selftest_onTwoHosts_findsEverythingInOrder() {
        Launched.Result result = HOSTS.launch("-H", "lsone:2,lstwo", "--device", "cpu", "selftest").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines()).isNotEmpty().allMatch(line -> line.startsWith("ok "));
    }

    /** Compiled where the launcher is; each host gets the classes. */
    @Test
    @LongRun
    void sourceFile_onTwoHosts_isCompiledOnce() throws IOException {
        Path file = Files.writeString(HOSTS.directory().resolve("Where.java"), """
                import dev.lockstep.world.World;

                public class Where {
                    public static void main(String[] args) {
                        try (World world = World.init(args)) {
                            System.out.println(Where.class.getProtectionDomain().getCodeSource().getLocation());
                        }
                    }
                }
                """);
        Launched.Result result = HOSTS.launch("-H", "lsone:2,lstwo", "--device", "cpu", file.toString()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.lines()).hasSize(3).allMatch(line -> line.endsWith("/program.jar"));
        assertThat(Set.copyOf(result.lines())).hasSize(2);
    }

    @Test
    void hello_onTwoHosts_eachRankOnItsOwnGpu() throws IOException {
        Path file = Files.writeString(HOSTS.directory().resolve("hosts"),
                "# two hosts\nlsone slots=2\n\nlstwo:2 # the other\n");
        Launched.Result hello = HOSTS.launch("--hostfile", file.toString(), "hello").run();
        assertThat(hello.exitCode()).as(hello.stderr()).isZero();
        assertThat(hello.stderr()).isEmpty();
        assertThat(hello.lines()).hasSize(4);
        for (int rank = 0; rank < 4; rank++) {
            assertThat(hello.lines().get(rank)).matches(
                    "rank " + rank + " of 4 on " + (rank < 2 ? "lsone" : "lstwo") + " pid \\d+ device cuda");
        }
        System.out.println("hello on two hosts over ssh took " + hello.elapsed().toMillis() + " ms");
        Launched.Result gpus = HOSTS.launch("-H", "lsone,lstwo:2", "-cp", TEST_CLASSES, PROGRAMS, "variables",
                "CUDA_VISIBLE_DEVICES").run();
        assertThat(gpus.stdout()).as(gpus.stderr()).isEqualTo("CUDA_VISIBLE_DEVICES=GPU-lsone-a\n"
                + "CUDA_VISIBLE_DEVICES=GPU-lstwo-a\nCUDA_VISIBLE_DEVICES=MIG-lstwo/1/0\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -H lsone:3 hello                    | mpjrun: host lsone: 3 ranks are more than the 2 visible GPUs
            -H lsone,lstwo -wdir DIR/here/work hello | mpjrun: host lstwo: there is no DIR/here/work:
            -H lsone,lsnokey hello              | mpjrun: host lsnokey cannot be reached: root@ADDRESS: Permission denied
            -H lsone,lsclosed hello             | mpjrun: host lsclosed cannot be reached: ssh: connect to host
            -H lsone,no.such.host.invalid hello | mpjrun: host no.such.host.invalid cannot be reached: ssh: Could not resolve hostname
            -H lsone --interface nowhere0 hello | mpjrun: --interface nowhere0:
            """)
    void hostThatCannot_isNamedWithTheReason(String arguments, String sentence) {
        Launched.Result result = HOSTS.launch(arguments.replace("DIR", HOSTS.directory().toString()).split(" ")).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
        assertThat(result.stderr().replaceFirst("10\\.213\\.\\d+\\.\\d", "ADDRESS"))
                .startsWith(sentence.replace("DIR", HOSTS.directory().toString())).hasLineCount(1);
        assertThat(result.elapsed()).isLessThan(Duration.ofSeconds(10));
        awaitNothingOnHosts();
    }

    @Test
    void rank_killed_endsTheJobAndIsNamedWithItsHost() {
        try (Launched launched = program("lsone,lstwo:2", "wait").start()) {
            launched.awaitStdout("ready");
            List<ProcessHandle> ranks = ranksOnHosts();
            assertThat(ranks).hasSize(3);
            String token = read("/proc/" + ranks.get(0).pid() + "/environ")
                    .replaceAll("(?s).*LOCKSTEP_TOKEN=([0-9a-f]{32}).*", "$1");
            assertThat(token).hasSize(32);
            assertThat(ProcessHandle.allProcesses().map(p -> read("/proc/" + p.pid() + "/cmdline"))).isNotEmpty()
                    .noneMatch(command -> command.contains(token));
            ProcessHandle rank = ranks.stream()
                    .filter(p -> read("/proc/" + p.pid() + "/environ").contains("LOCKSTEP_RANK=2\0")).findFirst()
                    .orElseThrow();
            long begin = System.nanoTime();
            signal(rank, "KILL");
            Launched.Result result = launched.await();
            System.out.println("a rank killed on another host: the job was over after "
                    + Duration.ofNanos(System.nanoTime() - begin).toMillis() + " ms");
            assertThat(result.exitCode()).isEqualTo(137);
            assertThat(result.stderr())
                    .isEqualTo("mpjrun: rank 2 on host lstwo failed first: killed by signal 9 (SIGKILL)\n");
            awaitNothingOnHosts();
        }
    }

    /** As RolesIT on one host. */
    @Test
    void localRootFirst_oneRankOfEachHostIsFirst() throws IOException {
        Path empty = Files.createDirectory(HOSTS.directory().resolve("roles"));
        Launched.Result result = HOSTS.launch("-H", "lsone:2,lstwo:2", "--device", "cpu", "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.Roles", empty.toString()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines()).contains("root downloaded by [0], the others waited: true",
                "local downloaded by [0, 2], the others waited: true");
    }

    /** What lies in {@code here} on lsone is not there on lstwo, so rank 0 keeps the journal of rank 1. */
    @Test
    @LongRun
    void generate_hostThatDoesNotSeeTheJournal_losesNothingEither() throws IOException {
        Path output = HOSTS.directory().resolve("here/r.jsonl");
        Path journal = HOSTS.directory().resolve("here/r.jsonl.journal/rank-1.jsonl");
        Path prompts = Files.writeString(HOSTS.directory().resolve("p.txt"),
                "In the beginning\n".repeat(2 * ROWS_OF_A_RANK));
        String[] job = {"-q", "-H", "lsone,lstwo", "--device", "cpu", "generate", "--prompts", prompts.toString(),
                "--output", output.toString(), "--split", "block", "--temperature", "0.9", "--ignore-eos",
                "--max-new-tokens", "150", "--batch-size", "2", "--resume"};
        try (Launched launched = HOSTS.launch(job).start()) {
            awaitTrue(Duration.ofSeconds(60), () -> results(journal) >= 2);
            ProcessHandle rank = HOSTS.processes().stream()
                    .filter(p -> read("/proc/" + p.pid() + "/environ").contains("LOCKSTEP_RANK=1\0")).findFirst()
                    .orElseThrow();
            signal(rank, "KILL");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isEqualTo(137);
            assertThat(result.stderr()).contains("rank 1 on host lstwo failed first");
        }
        awaitNothingOnHosts();
        long kept = results(journal) + results(journal.resolveSibling("rank-0.jsonl"));
        assertThat(results(journal)).isBetween(2L, ROWS_OF_A_RANK - 1L);
        Launched.Result result = HOSTS.launch(job).run();
        assertThat(result.stderr()).isEqualTo("generate: --resume: " + kept + " rows were finished before\n");
        assertThat(result.exitCode()).isZero();
        List<String> rows = Files.readAllLines(output);
        assertThat(rows).hasSize(2 * ROWS_OF_A_RANK);
        for (int row = 0; row < rows.size(); row++) {
            assertThat(rows.get(row)).startsWith("{\"index\":" + row + ",").contains("\"completion_tokens\":150,");
        }
        // but for the two under way when it died, which come last and go to whoever is free
        assertThat(rows.subList(ROWS_OF_A_RANK, rows.size()).stream().filter(row -> row.endsWith("\"rank\":1}")))
                .hasSizeGreaterThanOrEqualTo(ROWS_OF_A_RANK - 2);
        assertThat(rows.stream().map(row -> row.replaceFirst(".*\"text\":", ""))).doesNotHaveDuplicates();
        assertThat(HOSTS.directory().resolve("empty")).isEmptyDirectory();
    }

    private static long results(Path journal) {
        return read(journal.toString()).lines().filter(line -> line.startsWith("{\"index\"")).count();
    }

    @Test
    void rank_exitCodeComesThrough() {
        Launched.Result result = program("lsone,lstwo", "exit", "42").run();
        assertThat(result.exitCode()).isEqualTo(42);
        assertThat(result.stderr()).isEqualTo("mpjrun: rank 1 on host lstwo failed first: exited with code 42\n");
    }

    /** Neither what its ranks left running nor what they left on its disk. */
    @Test
    void host_keepsNothingOfAJob() {
        Launched.Result orphans = program("lsone,lstwo", "orphan", "0").run();
        assertThat(orphans.exitCode()).as(orphans.stderr()).isZero();
        assertThat(orphans.lines()).hasSize(2).allMatch(line -> line.startsWith("child "));
        awaitTrue(Duration.ofSeconds(10),
                () -> HOSTS.processes().stream().allMatch(process -> Launched.environment(process).isEmpty()));
        try (Launched launched = HOSTS
                .launch("-H", "lsone:2", "--device", "cpu", "-cp", TEST_CLASSES, PROGRAMS, "temporary")
                .start()) {
            launched.awaitStdout("ready");
            List<Path> files = launched.stdout().lines().filter(line -> line.startsWith("/")).map(Path::of).toList();
            assertThat(files).hasSize(4).allMatch(Files::exists);
            signal(ranksOnHosts().get(0), "KILL");
            assertThat(launched.await().exitCode()).isEqualTo(137);
            awaitTrue(Duration.ofSeconds(10), () -> files.stream().noneMatch(file -> Files.exists(file.getParent())));
        }
    }

    @ParameterizedTest
    @CsvSource({"no-world-forever, KILL, 137", "wait, INT, 130"})
    void launcher_ended_nothingStays(String program, String signal, int code) {
        try (Launched launched = program("lsone,lstwo", program).start()) {
            launched.awaitStdout("ready");
            awaitTrue(Duration.ofSeconds(20), () -> ranksOnHosts().size() == 2);
            signal(launched.launcher(), signal);
            assertThat(launched.await().exitCode()).isEqualTo(code);
            awaitNothingOnHosts();
        }
    }

    @Test
    void connection_lost_endsTheJobAndNamesTheHost() {
        try (Launched launched = program("lsone,lstwo", "wait").start()) {
            launched.awaitStdout("ready");
            ProcessHandle client = launched.launcher().children()
                    .filter(p -> read("/proc/" + p.pid() + "/cmdline").contains("\0lstwo\0")).findFirst().orElseThrow();
            signal(client, "KILL");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.stderr())
                    .isEqualTo("mpjrun: host lstwo was lost: ssh killed by signal 9 (SIGKILL)\n");
            awaitNothingOnHosts();
        }
    }

    /** Nothing breaks a connection to a host that is gone; only its silence tells. */
    @Test
    void host_vanished_isFoundByItsSilence() {
        try (Launched launched = program("lsone,lstwo", "wait").env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2").start()) {
            launched.awaitStdout("ready");
            assertThat(HOSTS.run("cut").exitCode()).isZero();
            long begin = System.nanoTime();
            Launched.Result result = launched.await();
            System.out.println("a host vanished: the job was over after "
                    + Duration.ofNanos(System.nanoTime() - begin).toMillis() + " ms");
            assertThat(result.exitCode()).isEqualTo(124);
            assertThat(result.stderr()).isEqualTo("mpjrun: rank 1 on host lstwo failed first: no heartbeat for 2 s: "
                    + "its process is frozen, or its host is gone\n");
        } finally {
            assertThat(HOSTS.run("mend").exitCode()).isZero();
        }
        awaitNothingOnHosts();
    }

    @Test
    void input_isRankZeros_andLinesStayWhole() {
        Launched.Result result = HOSTS
                .launch("-H", "lsone,lstwo", "--tag-output", "--device", "cpu", "-cp", TEST_CLASSES,
                        PROGRAMS, "lines", "3000")
                .run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        // what has no end is followed by the other rank's next line
        String ended = result.stdout().replaceAll("\\[\\d\\] rank \\d last, without an end\\n?", "");
        assertThat(ended.lines()).hasSize(2 * 3000)
                .allMatch(line -> line.matches("\\[(\\d)\\] rank \\1 line \\d+ é*"));
        Launched.Result input = program("lsone:1", "stdin").input("a line\nanother").run();
        assertThat(input.stdout()).as(input.stderr()).isEqualTo("read a line\n");
    }
}
