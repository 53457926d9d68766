package dev.lockstep.launch;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;

import static dev.lockstep.fixtures.Launched.HOME;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Archives of class data in a cache of their own: that ranks use them, and that nothing wrong with them is anybody's loss. */
class ClassDataIT {
    private static final Duration MAKING = Duration.ofMinutes(2);
    private static final String WORLD = "dev.lockstep.world.World source: ";

    /** Its place is a part of the archives' name. */
    @TempDir
    private static Path cache;
    @TempDir
    private static Path untouched;
    private static Path directory;

    @TempDir
    private Path scratch;

    /** As users come by them: a first job, and a while later they are there. */
    @BeforeAll
    static void runFirstJob() throws IOException {
        linkFetched(cache);
        hello(cache, Map.of());
        directory = cache.resolve("classes").resolve(name(cache));
        awaitTrue(MAKING, () -> Files.exists(directory.resolve("whole")));
        copy(directory, untouched);
    }

    @BeforeEach
    void restore() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.setAttribute(directory, "unix:mode", 0755);
        copy(untouched, directory);
    }

    @Test
    void ranks_takeTheirClassesFromTheArchive() throws IOException {
        assertThat(classes("hello")).contains(WORLD + "shared objects file (top)")
                .doesNotContain("ch.qos.logback"); // nobody has logged anything
    }

    @Test
    void program_ofAUser_comesAfterLockstep() throws IOException {
        String loaded = classes("-cp", scratch.toString(), HOME.resolve("examples/HelloRanks.java").toString());
        assertThat(loaded).contains(WORLD + "shared objects file (top)", "HelloRanks source: ");
    }

    @Test
    void program_withPackagesOfALibrary_keepsItsPlace() throws IOException {
        Path other = scratch.resolve("other");
        String mapper = "com.fasterxml.jackson.databind.ObjectMapper";
        Path file = other.resolve(mapper.replace('.', '/') + ".class");
        Files.createDirectories(file.getParent());
        try (InputStream in = ObjectMapper.class.getResourceAsStream("ObjectMapper.class")) {
            Files.write(file, in.readAllBytes());
        }
        assertThat(classes("-cp", other.toString(), "hello")).contains(mapper + " source: file:" + other + "/");
    }

    /** Which ranks and the launcher have to be of one build of. */
    @Test
    void program_withLockstepInIt_runsTheLaunchers() throws IOException {
        Path other = scratch.resolve("other");
        Path world = Path.of("dev/lockstep/world/World.class");
        Files.createDirectories(other.resolve(world).getParent());
        Files.copy(HOME.resolve("target/classes").resolve(world), other.resolve(world));
        assertThat(classes("-cp", other.toString(), "hello")).contains(WORLD + "file:" + HOME.resolve("target"));
    }

    @ParameterizedTest
    @LongRun(butFor = 2)
    @ValueSource(strings = {"ranks.jsa", "launcher.jsa"})
    void archive_shortOrEmptyOrOfOtherBytes_isNotUsed(String name) throws IOException {
        Path archive = directory.resolve(name);
        assertThat(archive.toFile().setWritable(true)).isTrue();
        try (RandomAccessFile file = new RandomAccessFile(archive.toFile(), "rw")) {
            for (long at = 50_000; at < file.length(); at += 50_000) {
                file.seek(at);
                file.writeLong(0x5555_5555_5555_5555L);
            }
        }
        hello(cache, Map.of());
        try (RandomAccessFile file = new RandomAccessFile(archive.toFile(), "rw")) {
            file.setLength(file.length() / 2);
        }
        hello(cache, Map.of());
        Files.write(archive, new byte[0]);
        hello(cache, Map.of());
        Files.delete(archive);
        hello(cache, Map.of());
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(strings = {"ranks.jsa", "options", "."})
    void archive_thatOthersMayWrite_isNotUsed(String name) throws IOException {
        Path file = directory.resolve(name);
        Files.setAttribute(file, "unix:mode", (Integer) Files.getAttribute(file, "unix:mode") | 022);
        assertThat(classes("hello")).doesNotContain("(top)").contains(WORLD + "file:");
    }

    /** The name is right, and the jar is another one than that with which the archive was made. */
    @Test
    @LongRun
    void archive_ofAnotherBuild_isNotUsed() throws IOException {
        Path home = scratch.resolve("home");
        Files.createDirectories(home.resolve("target"));
        for (String part : List.of("conf", "examples", "target/lib", "target/lib-cpu")) {
            Files.createSymbolicLink(home.resolve(part), HOME.resolve(part));
        }
        copy(HOME.resolve("launch"), Files.createDirectory(home.resolve("launch")), "mpjrun.sh", "setup.sh");
        copy(HOME.resolve("target"), home.resolve("target"), "lockstep.jar");
        Path other = cache.resolve("classes").resolve(name(cache, home));
        assertThat(other).isNotEqualTo(directory);
        copy(directory, Files.createDirectory(other));
        assertHello(Launched.script(home.resolve("launch/mpjrun.sh"), "-np", "2", "hello")
                .env("LOCKSTEP_CACHE", cache.toString()).run());
        assertThat(Launched.script(home.resolve("launch/mpjrun.sh"), "--dry-run", "-v", "-np", "1", "hello")
                .env("LOCKSTEP_CACHE", cache.toString()).run().stdout()).contains(other + "/ranks.jsa");
    }

    @Test
    void cache_thatTakesNothing_isAsWithout() throws IOException {
        Path full = scratch.resolve("full");
        linkFetched(full);
        Files.writeString(full.resolve("classes"), "no directory");
        hello(full, Map.of());
        // what tries to make it in the background, which would find room where this test has been cleared away
        awaitTrue(MAKING, () -> ProcessHandle.allProcesses().noneMatch(process -> isOf(full, process)));
        assertThat(full.resolve("classes")).isRegularFile();
    }

    private static boolean isOf(Path cache, ProcessHandle process) {
        try {
            return List.of(Files.readString(Path.of("/proc/" + process.pid() + "/environ"), StandardCharsets.ISO_8859_1)
                    .split("\0")).contains("LOCKSTEP_CACHE=" + cache);
        } catch (IOException e) {
            return false; // it has ended
        }
    }

    @Test
    void making_thatHasFailed_isNotTriedAgainAtOnce() throws IOException {
        Path failed = scratch.resolve("failed");
        linkFetched(failed);
        Path making = failed.resolve("classes").resolve(name(failed) + ".making");
        Files.createDirectories(making);
        hello(failed, Map.of());
        Launched.Result again = Launched.script(HOME.resolve("launch/class-data.sh"))
                .env("LOCKSTEP_CACHE", failed.toString()).run();
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.stderr()).startsWith("lockstep: " + making + " is there: class data is being made")
                .hasLineCount(1);
    }

    @Test
    @LongRun
    void jdk_another_hasArchivesOfItsOwn() throws IOException {
        String own = Path.of(System.getProperty("java.home")).toRealPath().toString();
        Path other;
        try (Stream<Path> all = Files.list(Path.of("/usr/lib/jvm"))) {
            other = all.filter(jdk -> Files.isExecutable(jdk.resolve("bin/javac"))).map(ClassDataIT::real)
                    .filter(jdk -> !jdk.toString().equals(own)).findFirst().orElse(null);
        }
        assumeTrue(other != null, "this host has one JDK only in /usr/lib/jvm");
        hello(cache, Map.of("JAVA_HOME", other.toString()));
        Path others = cache.resolve("classes").resolve(name(cache, HOME, "JAVA_HOME", other.toString()));
        assertThat(others).isNotEqualTo(directory);
        awaitTrue(MAKING, () -> Files.exists(others.resolve("whole")));
        hello(cache, Map.of("JAVA_HOME", other.toString()));
        hello(cache, Map.of("JAVA_HOME", own));
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(strings = {"-Xshare:off", "-Xshare:auto", "-XX:-UseCompressedOops",
            "-XX:-UseSerialGC -XX:+UseParallelGC", "-Xmx64m"})
    void options_ofTheUser_areKept(String option) throws IOException {
        hello(cache, Map.of("LOCKSTEP_JAVA_OPTS", option));
    }

    private static void hello(Path cache, Map<String, String> variables) {
        Launched.Command command = Launched.mpjrun("-np", "2", "hello").env("LOCKSTEP_CACHE", cache.toString());
        variables.forEach(command::env);
        assertHello(command.run());
    }

    private static void assertHello(Launched.Result result) {
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(result.lines()).hasSize(2);
        assertThat(result.lines().get(1)).startsWith("rank 1 of 2 on ");
    }

    /** What the ranks of a job have loaded, and from where. */
    private String classes(String... words) throws IOException {
        Path logs = Files.createDirectory(scratch.resolve("logs"));
        Launched.Result result = Launched
                .mpjrun(Stream.concat(Stream.of("-np", "2"), Stream.of(words)).toArray(String[]::new))
                .env("LOCKSTEP_CACHE", cache.toString())
                .env("LOCKSTEP_JAVA_OPTS", "-Xlog:class+load:file=" + logs + "/%p.log").run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        try (Stream<Path> files = Files.list(logs)) {
            return files.map(ClassDataIT::text).collect(Collectors.joining());
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the archives of this build are called in a cache. */
    private static String name(Path cache) {
        return name(cache, HOME);
    }

    private static String name(Path cache, Path home, String... variable) {
        Launched.Command command = Launched.script(Path.of("bash"), "-c",
                ". '" + home + "/launch/setup.sh'; lockstep_name_class_data; echo ${lockstep_class_data##*/}")
                .env("LOCKSTEP_CACHE", cache.toString());
        if (variable.length > 0) {
            command.env(variable[0], variable[1]);
        }
        return command.run().stdout().strip();
    }

    /** @param names all, if none */
    private static void copy(Path from, Path to, String... names) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                if (names.length == 0 || List.of(names).contains(file.getFileName().toString())) {
                    Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
                }
            }
        }
    }

    /** A cache that has what jobs need, if it is not the system that has it. */
    private static void linkFetched(Path cache) throws IOException {
        Files.createDirectories(cache);
        Map<String, String> variables = System.getenv();
        List<Path> caches = Stream.of(variables.get("LOCKSTEP_CACHE"), variables.get("XDG_CACHE_HOME") + "/lockstep",
                variables.get("HOME") + "/.cache/lockstep").filter(Objects::nonNull).map(Path::of).toList();
        for (String name : List.of("mpj", "ucx")) {
            Optional<Path> there = caches.stream().map(each -> each.resolve(name)).filter(Files::isDirectory)
                    .findFirst();
            if (there.isPresent()) {
                Files.createSymbolicLink(cache.resolve(name), there.get());
            }
        }
        if (!Files.exists(cache.resolve("ucx"))) {
            Files.createFile(cache.resolve("ucx.none")); // not to be fetched
        }
    }
}
