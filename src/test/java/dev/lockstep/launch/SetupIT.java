package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Cluster;
import dev.lockstep.fixtures.Launched;

import static dev.lockstep.fixtures.Launched.HOME;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/** launch/setup.sh where MPJ Express has to be fetched; apt and dpkg are stand-ins that bring a jar of our own. */
class SetupIT {
    @TempDir
    private Path scratch;
    private Path cache;
    private Path tools;
    private String sum;

    @BeforeEach
    void makeTools() throws Exception {
        assumeFalse(Files.exists(Path.of("/usr/share/java/mpj.jar")), "this host's own MPJ Express is used");
        cache = scratch.resolve("cache");
        tools = Files.createDirectory(scratch.resolve("tools"));
        Path jar = Files.writeString(scratch.resolve("mpj.jar"), "no jar at all");
        sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(jar)));
        tool("apt-config", "exit 0");
        tool("apt-get", "case \"$*\" in *download*) touch libmpj-java_1.deb ;; esac");
        tool("dpkg-deb", "mkdir -p \"$3/usr/share/java\" && cp '" + jar + "' \"$3/usr/share/java/mpj.jar\"");
    }

    private void tool(String name, String script) throws IOException {
        Path file = Files.writeString(tools.resolve(name), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Launched.Command dryRun() {
        return mpjrun("--dry-run", "-v", "-np", "1", "hello").env("LOCKSTEP_CACHE", cache.toString())
                .env("MPJ_HOME", null)
                .env("PATH", tools + ":" + System.getenv("PATH"));
    }

    private String fetching() {
        return "lockstep: fetching MPJ Express (package libmpj-java, 0.4 MB) into " + cache + "/mpj\n";
    }

    /** The stand-ins bring none, which is no fault; the next start does not try again. */
    private String fetchingUcx() {
        return hasLibrary("libucp.so.0")
                ? ""
                : "lockstep: fetching UCX (package libucx0" + (hasLibrary("libnuma.so.1") ? "" : " libnuma1")
                        + ", 0.9 MB) into " + cache + "/ucx\n";
    }

    private static boolean hasLibrary(String name) {
        return Files.exists(Path.of("/usr/lib/x86_64-linux-gnu", name));
    }

    @Test
    void jar_thatIsNotKnown_isSaid_andUsedAsAptHasCheckedIt() {
        Launched.Result first = dryRun().run();
        assertThat(first.exitCode()).as(first.stderr()).isZero();
        assertThat(first.stderr()).isEqualTo(fetching() + "lockstep: the mpj.jar that apt has fetched and checked is a "
                + "build not known here, with the SHA-256 sum " + sum
                + "; LOCKSTEP_MPJ_SHA256=SUM takes that sum only\n" + fetchingUcx());
        assertThat(first.stdout()).contains(cache + "/mpj/usr/share/java/mpj.jar");
        assertThat(dryRun().run().stderr()).isEmpty();
    }

    @Test
    void jar_whoseSumIsGiven_hasToHaveIt() {
        Launched.Result wrong = dryRun().env("LOCKSTEP_MPJ_SHA256", "0".repeat(64)).run();
        assertThat(wrong.exitCode()).isEqualTo(2);
        assertThat(wrong.stderr())
                .isEqualTo(fetching() + "lockstep: the mpj.jar that apt has fetched has the SHA-256 sum "
                        + sum + ", not " + "0".repeat(64) + " (LOCKSTEP_MPJ_SHA256): it is not used\n");
        assertThat(cache.resolve("mpj")).doesNotExist();
        Launched.Result right = dryRun().env("LOCKSTEP_MPJ_SHA256", sum).run();
        assertThat(right.exitCode()).isZero();
        assertThat(right.stderr()).isEqualTo(fetching() + fetchingUcx());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "mpj", "mpj/usr/share/java", "mpj/usr/share/java/mpj.jar"})
    void jar_thatOthersMayWrite_isNotRun(String what) throws IOException {
        Path jar = Files.createDirectories(cache.resolve("mpj/usr/share/java")).resolve("mpj.jar");
        Files.createFile(jar);
        assertThat(dryRun().run().exitCode()).isZero();
        Files.setPosixFilePermissions(cache.resolve(what), PosixFilePermissions.fromString("rwxrwxr-x"));
        Launched.Result result = dryRun().run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).startsWith("lockstep: " + cache.resolve(what)
                + " belongs to another user or others may write it, so MPJ Express in there is not run: ")
                .hasLineCount(1);
    }

    @Test
    void ucx_thatCannotBeFetched_isNoFault() throws IOException {
        Files.createFile(Files.createDirectories(cache.resolve("mpj/usr/share/java")).resolve("mpj.jar"));
        tool("apt-get", "exit 100");
        Launched.Result first = dryRun().run();
        assertThat(first.exitCode()).isZero();
        assertThat(first.stderr()).isEqualTo(fetchingUcx());
        assertThat(dryRun().run().stderr()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ucx", "ucx/lib", "ucx/lib/libucp.so.0"})
    void ucx_thatOthersMayWrite_isNotUsed(String what) throws IOException {
        assumeFalse(hasLibrary("libucp.so.0"), "this host's own UCX is used");
        Files.createFile(Files.createDirectories(cache.resolve("mpj/usr/share/java")).resolve("mpj.jar"));
        Files.createFile(Files.createDirectories(cache.resolve("ucx/lib")).resolve("libucp.so.0"));
        assertThat(dryRun().run().stdout()).contains("-Dlockstep.ucx=" + cache + "/ucx/lib ");
        Files.setPosixFilePermissions(cache.resolve(what), PosixFilePermissions.fromString("rwxrwxr-x"));
        Launched.Result result = dryRun().run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stdout()).contains("dev.lockstep").doesNotContain("-Dlockstep.ucx");
        assertThat(result.stderr()).startsWith("lockstep: " + cache.resolve(what)
                + " belongs to another user or others may write it, so UCX in there is not used: ").hasLineCount(1);
    }

    @Test
    void lock_thatIsHeld_isWaitedForWithASentence() throws Exception {
        Files.createDirectories(cache);
        Process holder = new ProcessBuilder("bash", "-c", "exec 9>>setup.lock; flock 9; echo 'process 7 on here' "
                + ">setup.lock; echo held; read -r line").directory(cache.toFile()).start();
        assertThat(holder.inputReader().readLine()).isEqualTo("held");
        try (Launched launched = dryRun().start()) {
            Launched.awaitTrue(Duration.ofSeconds(60), () -> !launched.stderr().isEmpty());
            assertThat(launched.stderr())
                    .isEqualTo("lockstep: waiting for another start, process 7 on here, that fetches or "
                            + "builds what is missing and holds " + cache + "/setup.lock\n");
            holder.getOutputStream().close();
            assertThat(launched.await().exitCode()).isZero();
            assertThat(cache.resolve("setup.lock")).content()
                    .startsWith("process " + launched.launcher().pid() + " on ");
        }
    }

    @Test
    void lock_whereThereIsNone_isAWarning() throws IOException {
        tool("flock", "exit 71");
        Launched.Result result = dryRun().env("LOCKSTEP_MPJ_SHA256", sum).run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr())
                .isEqualTo("lockstep: " + cache + "/setup.lock cannot be locked, as on some network file "
                        + "systems: do not start two jobs before this is done\n" + fetching() + fetchingUcx());
    }

    @Test
    void cache_thatCannotBeWritten_isASentence() throws IOException {
        Files.createFile(cache);
        Launched.Result result = dryRun().run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo("lockstep: " + cache
                + " cannot be written: File exists: set LOCKSTEP_CACHE to a directory that can be\n");
    }

    @Test
    void network_missingForApt_isASentenceOfOurs() throws IOException {
        tool("apt-get", "echo 'W: Failed to fetch something  Temporary failure resolving it' >&2; exit 100");
        assertThat(dryRun().run().stderr()).isEqualTo(fetching()
                + "lockstep: MPJ Express is not on this machine, and the "
                + "package archive that apt fetches it from cannot be reached: install the package libmpj-java, or set "
                + "MPJ_HOME to an unpacked MPJ Express (a directory with lib/mpj.jar), or take a bundle that "
                + "launch/bundle.sh makes where there is a network\n");
    }

    /** Real Maven in a copy of the project, with an empty repository and a mirror that is not there. */
    @Test
    void network_missingForMaven_isASentenceOfOurs() throws IOException {
        Path copy = Files.createDirectory(scratch.resolve("clone"));
        Cluster.run("cp", "-r", HOME.resolve("pom.xml").toString(), HOME.resolve("launch").toString(),
                HOME.resolve("conf").toString(), HOME.resolve("src").toString(), copy.toString());
        Path mpj = Files.createDirectories(scratch.resolve("mpj/lib"));
        Files.writeString(mpj.resolve("mpj.jar"), "no jar at all");
        Files.createFile(Files.createDirectory(cache).resolve("ucx.none"));
        Path home = Files.createDirectories(scratch.resolve("home/.m2"));
        Files.writeString(home.resolve("settings.xml"), "<settings><mirrors><mirror><id>nobody</id>"
                + "<url>http://127.0.0.1:9/</url><mirrorOf>*</mirrorOf></mirror></mirrors></settings>");
        Cluster.Result result = Cluster.run(List.of("MPJ_HOME=" + mpj.getParent(), "LOCKSTEP_CACHE=" + cache,
                "MAVEN_OPTS=-Duser.home=" + home.getParent()),
                copy.resolve("launch/mpjrun.sh").toString(), "hello");
        assertThat(result).isEqualTo(new Cluster.Result(2,
                "lockstep: building (the first time this fetches about 200 MB of "
                        + "libraries)\nlockstep: the build needs libraries that Maven has not fetched yet, and the repository that "
                        + "it fetches them from cannot be reached (" + copy.resolve("target/setup.log")
                        + " has its words): build "
                        + "where there is a network, or take a bundle that launch/bundle.sh makes there"));
    }
}
