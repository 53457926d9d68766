package dev.lockstep.launch;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Cluster;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.host.HostName;

import static dev.lockstep.fixtures.Launched.HOME;
import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** What users do with launch/mpjrun.sh when all goes well, and what they are told when they ask for what cannot be. */
class LaunchIT {
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";

    @TempDir
    private Path temp;

    @Test
    void hello_oneLinePerRankInOrder() {
        Launched.Result result = mpjrun("-np", "3", "hello").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.lines()).hasSize(3);
        for (int rank = 0; rank < 3; rank++) {
            assertThat(result.lines().get(rank)).matches("rank " + rank + " of 3 on \\S+ pid \\d+ device \\w+");
        }
    }

    @Test
    void sourceFile_throughALinkFromAnotherDirectoryWithSpaces() throws IOException {
        Path directory = Files.createDirectory(temp.resolve("with a space"));
        Path link = Files.createSymbolicLink(directory.resolve("run me"), HOME.resolve("launch/mpjrun.sh"));
        Path program = Files.copy(HOME.resolve("examples/HelloRanks.java"), directory.resolve("HelloRanks.java"));
        Launched.Result result = Launched.script(link, "-np", "2", program.getFileName().toString()).in(directory)
                .run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines().get(0)).matches("rank 0 of 2 on .*: \\[one, program, many\\]");
        assertThat(result.lines().get(1)).matches("rank 1 of 2 on .*: \\[ranks, in, step\\]");
        assertThat(result.lines().get(2)).isEqualTo("all 2 ranks have come this far");
    }

    @Test
    void jar_withMainClassAndClassPath() throws IOException {
        Path jar = temp.resolve("app.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, PROGRAMS);
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, "inner.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.flush();
        }
        String entry = PROGRAMS.replace('.', '/') + ".class";
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(temp.resolve("inner.jar")))) {
            out.putNextEntry(new JarEntry(entry));
            Files.copy(Path.of(TEST_CLASSES, entry), out);
        }
        Launched.Result result = mpjrun("-np", "1", "-jar", jar.toString(), "no-world", "--np", "-x", "a b").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("no world no-world|--np|-x|a b\n");
    }

    @Test
    void output_wholeLinesFromFourRanks() {
        Launched.Result result = mpjrun("-np", "4", "-cp", TEST_CLASSES, PROGRAMS, "lines", "10000").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        Map<Integer, Integer> next = new HashMap<>();
        String text = result.stdout();
        for (int rank = 0; rank < 4; rank++) {
            String end = "rank " + rank + " last, without an end";
            assertThat(text).contains(end);
            text = text.replace(end, "");
        }
        for (String line : text.lines().filter(line -> !line.isEmpty()).toList()) {
            assertThat(line).matches("rank \\d line \\d+ é*");
            String[] words = line.split(" ", -1);
            int rank = Integer.parseInt(words[1]);
            int number = Integer.parseInt(words[3]);
            assertThat(number).isEqualTo(next.getOrDefault(rank, 0));
            assertThat(words[4]).hasSize(number % 97);
            next.put(rank, number + 1);
        }
        assertThat(next).containsOnlyKeys(0, 1, 2, 3).allSatisfy((rank, count) -> assertThat(count).isEqualTo(10000));
    }

    @Test
    void output_taggedAndIntoFiles() throws IOException {
        Launched.Result result = mpjrun("-np", "2", "--tag-output", "--output-filename", temp.toString(), "-cp",
                TEST_CLASSES, PROGRAMS, "lines", "2").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEmpty();
        for (int rank = 0; rank < 2; rank++) {
            assertThat(Files.readString(temp.resolve("rank." + rank + ".out"))).isEqualTo("[" + rank + "] rank " + rank
                    + " line 0 \n[" + rank + "] rank " + rank + " line 1 é\n[" + rank + "] rank " + rank
                    + " last, without an end");
            assertThat(temp.resolve("rank." + rank + ".err")).isEmptyFile();
        }
    }

    @Test
    void environment_directoryAndInput() {
        Launched.Result variables = mpjrun("-np", "2", "-x", "GREETING=grüß dich", "-cp", "target/test-classes",
                "-wdir", temp.toString(), PROGRAMS, "variables", "GREETING").run();
        assertThat(variables.exitCode()).as(variables.stderr()).isZero();
        assertThat(variables.lines()).hasSize(2).allMatch(line -> line.startsWith("GREETING=gr"));
        Launched.Result input = mpjrun("-np", "2", "-cp", TEST_CLASSES, PROGRAMS, "stdin").input("a line\n").run();
        assertThat(input.exitCode()).as(input.stderr()).isZero();
        assertThat(input.stdout()).isEqualTo("read a line, then -1\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -np 0 hello               | mpjrun: -np 0: the number of ranks must be a whole number, 1 or more
            -np abc hello             | mpjrun: -np abc: the number of ranks must be a whole number, 1 or more
            -np -3 hello              | mpjrun: -np -3: the number of ranks must be a whole number, 1 or more
            -np                       | mpjrun: -np needs a value after it
            --bogus hello             | mpjrun: unknown option --bogus
            -np 2                     | mpjrun: name a JOB
            no.such.Program           | mpjrun: there is no job no.such.Program
            nowhere.java              | mpjrun: there is no file nowhere.java
            -jar nowhere.jar          | mpjrun: -jar nowhere.jar cannot be read as a jar file
            -jar                      | mpjrun: -jar: name the jar file after it
            -dev multicore hello      | mpjrun: -dev multicore: give auto, ucx, tcp or niodev
            -H a:0 hello              | mpjrun: -H a:0: "0" is not a number of slots
            -H a,,b hello             | mpjrun: -H a,,b: "" is not a host name
            -H -oProxyCommand=x hello | mpjrun: -H -oProxyCommand=x: "-oProxyCommand=x" is not a host name
            -H a -hostfile b hello    | mpjrun: give -H or a host file, not both
            -np 4 -H a:2,b hello      | mpjrun: -np 4 is more than the 3 slots of a, b
            -hostfile nowhere hello   | mpjrun: host file nowhere: it cannot be read: there is no such file
            -H no.such.invalid hello  | mpjrun: host no.such.invalid cannot be reached: ssh:
            --device tpu hello        | mpjrun: --device tpu: give auto, cpu or cuda
            --timeout soon hello      | mpjrun: --timeout soon: give a number of seconds above 0
            -wdir /no/such hello      | mpjrun: -wdir /no/such: there is no such directory
            -x LOCKSTEP_UNSET hello   | mpjrun: -x LOCKSTEP_UNSET: it is not set here
            """)
    void wrongUsage_isOneSentence(String arguments, String sentence) {
        Launched.Result result = mpjrun(arguments.split(" ")).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
        assertThat(result.stderr()).startsWith(sentence).hasLineCount(1);
    }

    @Test
    void gpus_bindRanksAndLimitThem() {
        Launched.Result ranks = mpjrun("--dry-run", "-v", "hello").env("CUDA_VISIBLE_DEVICES", "GPU-5d7f,MIG-ab/1/0")
                .run();
        assertThat(ranks.lines()).hasSize(2);
        assertThat(ranks.lines().get(0)).contains(" gpu GPU-5d7f ", "LOCKSTEP_DEVICE=cuda").doesNotContain("lib-cpu");
        assertThat(ranks.lines().get(1)).contains(" gpu MIG-ab/1/0 ", "CUDA_VISIBLE_DEVICES=MIG-ab/1/0");
        Launched.Result many = mpjrun("-np", "3", "hello").env("CUDA_VISIBLE_DEVICES", "0,1").run();
        assertThat(many.exitCode()).isEqualTo(2);
        assertThat(many.stderr()).startsWith("mpjrun: -np 3 is more than the 2 visible GPUs").hasLineCount(1);
        assertThat(mpjrun("--dry-run", "-np", "3", "--oversubscribe", "hello").env("CUDA_VISIBLE_DEVICES", "7,9")
                .run().lines().get(2)).contains(" gpu 7 ");
        Launched.Result none = mpjrun("--device", "cuda", "hello").env("CUDA_VISIBLE_DEVICES", "").run();
        assertThat(none.exitCode()).isEqualTo(2);
        assertThat(none.stderr()).startsWith("mpjrun: --device cuda: no GPU is visible");
    }

    @Test
    void dryRun_isFastAndTellsAll() {
        // a first job has this made in the background, and until then launching takes longer
        Launched.awaitTrue(Duration.ofSeconds(100),
                () -> Cluster.run(HOME.resolve("launch/class-data.sh").toString()).exitCode() == 0);
        // of the processor's time, which others on this machine take little of: what no JVM starts without, by turns
        double best = Double.MAX_VALUE;
        double bare = Double.MAX_VALUE;
        for (int turn = 0; turn < 5; turn++) {
            best = Math.min(best,
                    processorMillis(HOME.resolve("launch/mpjrun.sh").toString(), "--dry-run", "-np", "2", "--device",
                            "cpu", "selftest",
                            "--large"));
            bare = Math.min(bare, processorMillis(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                    "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-version"));
        }
        System.out.println("--dry-run took " + best + " ms of the processor, a bare JVM " + bare + " ms");
        assertThat(mpjrun("--dry-run", "-np", "2", "--device", "cpu", "selftest", "--large").run().lines())
                .containsExactly("rank 0 host " + HostName.here() + " gpu - dev.lockstep.bench.SelftestJob --large",
                        "rank 1 host " + HostName.here() + " gpu - dev.lockstep.bench.SelftestJob --large");
        Launched.Result result = mpjrun("--dry-run", "-v", "-np", "2", "--device", "cpu", "selftest", "--large").run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.lines()).hasSize(2);
        assertThat(result.lines().get(1)).startsWith("rank 1 host " + HostName.here() + " gpu - ").contains(
                "CUDA_VISIBLE_DEVICES=''", "OMP_NUM_THREADS=", "OMP_WAIT_POLICY=PASSIVE", "RUST_FLAVOR=cpu",
                "LOCKSTEP_RANK=1", "LOCKSTEP_SIZE=2", "-XX:MaxRAMPercentage=25.00", "lib-cpu")
                .endsWith("dev.lockstep.bench.SelftestJob --large").doesNotContain("TOKEN");
        assertThat(best).isLessThan(9 * bare);
    }

    @Test
    void strayConnections_duringBootstrapDisturbNothing() throws IOException {
        try (Launched launched = mpjrun("-np", "2", "-v", "-cp", TEST_CLASSES, PROGRAMS, "wait").start()) {
            Launched.awaitTrue(Duration.ofSeconds(20), () -> launched.stderr().contains("LOCKSTEP_COORDINATOR="));
            String port = launched.stderr().replaceAll("(?s).*?LOCKSTEP_COORDINATOR=[0-9.]*:(\\d+).*", "$1");
            for (String garbage : List.of("", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\u0006\u0001abcde",
                    "\0\0\0\u0005\u0006\0\0\0\0")) {
                try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(port));
                        OutputStream out = socket.getOutputStream()) {
                    out.write(garbage.getBytes(StandardCharsets.ISO_8859_1));
                }
            }
            launched.awaitStdout("ready");
            assertThat(launched.launcher().isAlive()).isTrue();
        }
    }

    @Test
    void launcher_hasNeitherMpjNorDjl() throws IOException {
        try (Launched launched = mpjrun("-np", "2", "-cp", TEST_CLASSES, PROGRAMS, "wait").start()) {
            launched.awaitStdout("ready");
            String maps = Files.readString(Path.of("/proc/" + launched.launcher().pid() + "/maps"));
            String command = launched.launcher().info().commandLine().orElseThrow();
            assertThat(command).contains("picocli").doesNotContain("target/lib/*");
            String open;
            try (Stream<Path> files = Files.list(Path.of("/proc/" + launched.launcher().pid() + "/fd"))) {
                open = String.join("\n", files.map(LaunchIT::target).toList());
            }
            assertThat(maps + open).contains("lockstep.jar").doesNotContain("mpj-0.44", "mpj.jar", "pytorch",
                    "api-0.35", "jackson");
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private static double processorMillis(String... command) {
        List<String> words = new ArrayList<>(List.of("bash", "-c", "TIMEFORMAT='cpu %3U %3S'; time \"$@\"", "bash"));
        words.addAll(List.of(command));
        Cluster.Result result = Cluster.run(words.toArray(String[]::new));
        assertThat(result.exitCode()).as(result.output()).isZero();
        Matcher time = Pattern.compile("cpu ([0-9.]+) ([0-9.]+)").matcher(result.output());
        assertThat(time.find()).isTrue();
        return 1000 * (Double.parseDouble(time.group(1)) + Double.parseDouble(time.group(2)));
    }
}
