package dev.lockstep.launch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;

import static dev.lockstep.fixtures.Launched.awaitTrue;
import static org.assertj.core.api.Assertions.assertThat;

/** The archive for machines without JDK, Maven and network. */
class BundleIT {
    private static final long MOST_BYTES = 60L << 20;

    @Test
    @LongRun
    void bundle_unpacked_runsWithoutJavaOnThePath(@TempDir Path scratch) throws IOException, InterruptedException {
        Path archive = scratch.resolve("bundle.tar.gz");
        Launched.Result made = Launched.script(Launched.HOME.resolve("launch/bundle.sh"), archive.toString()).run();
        assertThat(made.exitCode()).as(made.stderr()).isZero();
        assertThat(archive).satisfies(file -> assertThat(Files.size(file)).isLessThan(MOST_BYTES));
        assertThat(new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", scratch.toString()).inheritIO().start()
                .waitFor()).isZero();
        Path root;
        try (Stream<Path> unpacked = Files.list(scratch)) {
            root = unpacked.filter(Files::isDirectory).findFirst().orElseThrow();
        }

        // every library in the archive is on its list
        String list = Files.readString(root.resolve("lockstep.cdx.json"));
        try (Stream<Path> jars = Files.list(root.resolve("target/lib"))) {
            assertThat(jars.map(jar -> jar.getFileName().toString().replaceFirst("-(\\d.*)\\.jar$", "@$1")))
                    .hasSizeGreaterThan(15)
                    .allSatisfy(library -> assertThat(list).contains("/" + library + "?type=jar\""));
        }
        assertThat(list).contains("\"CycloneDX\"", "pkg:maven/org.mpjexpress/mpj@0.44?type=jar");

        // and, with its licence, among what is others'
        String notices = Files.readString(root.resolve("THIRD-PARTY.txt"));
        try (Stream<Path> files = Files.walk(root)) {
            List<String> jars = files.map(file -> root.relativize(file).toString())
                    .filter(name -> name.endsWith(".jar") && !name.startsWith("runtime/"))
                    .filter(name -> !name.equals("target/lockstep.jar")).toList();
            assertThat(jars).hasSizeGreaterThan(15).contains("lib/mpj.jar").allSatisfy(jar -> assertThat(notices)
                    .containsPattern("(?m)^" + Pattern.quote(jar) + "\n    \\S.*\n    Licence: \\S"));
        }
        assertThat(notices).contains("runtime/legal/", "Permission is hereby granted");
        assertThat(root.resolve("runtime/legal/java.base")).isNotEmptyDirectory();

        // UCX with all that it needs, and its licence
        Path ucx = root.resolve("lib/ucx");
        assertThat(notices).contains("lib/ucx/libucp.so.0\n    From the package libucx0\n"
                + "    Licence: lib/ucx/libucx0.copyright\n");
        assertThat(ucx.resolve("libucx0.copyright")).content().contains("BSD-3-Clause");
        Launched.Result needs = Launched.script(Path.of("/usr/bin/ldd"), ucx.resolve("libucp.so.0").toString())
                .env("LD_LIBRARY_PATH", ucx.toString()).run();
        assertThat(needs.stdout()).contains(ucx + "/libucs.so.0", ucx + "/libuct.so.0").doesNotContain("not found");

        // what the README links to is there
        assertThat(root.resolve("src/site/markdown/running.md")).isRegularFile();

        // and the classes that programs use, of which those that they do not are not a part
        assertThat(root.resolve("docs/api/dev/lockstep/world/World.html")).content().contains("splitPadded");
        assertThat(root.resolve("docs/api/dev/lockstep/generate/Generator.html")).isRegularFile();
        assertThat(root.resolve("docs/api/dev/lockstep/generate/Scheduler.html")).doesNotExist();
        assertThat(root.resolve("docs/api/dev/lockstep/batch")).doesNotExist();

        // only the tools that the script itself needs are to be found: no java, no mvn
        Path tools = Files.createDirectory(scratch.resolve("tools"));
        for (String tool : List.of("bash", "env", "dirname", "readlink", "sed", "setpriv", "find")) {
            Path found = Stream.of("/usr/bin", "/bin").map(folder -> Path.of(folder, tool)).filter(Files::exists)
                    .findFirst().orElseThrow();
            Files.createSymbolicLink(tools.resolve(tool), found);
        }
        Launched.Result ran = Launched
                .script(root.resolve("launch/mpjrun.sh"), "-np", "2",
                        root.resolve("examples/HelloRanks.java").toString())
                .env("PATH", tools.toString()).env("JAVA_HOME", null).env("HOME", scratch.toString())
                .env("LOCKSTEP_CACHE", null).run();
        assertThat(ran.exitCode()).as(ran.stderr()).isZero();
        assertThat(ran.lines()).last().isEqualTo("all 2 ranks have come this far");

        // what is left of Lucene finds out that two schemas have a value in common
        Path schema = Files.writeString(scratch.resolve("schema.json"),
                "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":3},{\"type\":\"array\"},{\"type\":\"number\"}]}");
        Launched.Result refused = Launched
                .script(root.resolve("launch/mpjrun.sh"), "-np", "1", "generate", "--json-schema", schema.toString())
                .env("JAVA_HOME", null).env("HOME", scratch.toString()).env("LOCKSTEP_CACHE", null).run();
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.stderr()).contains("at /oneOf has schemas 0 and 2 that may accept the same value")
                .as("Lucene finds the JVM that it looks for").doesNotContain("WARNING");

        // with all tools the first job leaves class data behind, in the place that the archive was unpacked to
        assertHello(root, scratch);
        awaitTrue(Duration.ofMinutes(1), () -> isMade(scratch.resolve(".cache/lockstep/classes")));
        assertHello(root, scratch);
        assertThat(Launched.script(root.resolve("launch/mpjrun.sh"), "--dry-run", "-v", "-np", "1", "hello")
                .env("JAVA_HOME", null).env("HOME", scratch.toString()).env("LOCKSTEP_CACHE", null).run().stdout())
                        .contains("-XX:SharedArchiveFile=" + scratch + "/.cache/lockstep/classes/");
    }

    private static void assertHello(Path root, Path home) {
        Launched.Result result = Launched.script(root.resolve("launch/mpjrun.sh"), "-np", "2", "hello")
                .env("JAVA_HOME", null).env("HOME", home.toString()).env("LOCKSTEP_CACHE", null).run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(result.lines()).last().asString().startsWith("rank 1 of 2 on ");
    }

    private static boolean isMade(Path classes) {
        if (!Files.isDirectory(classes)) {
            return false;
        }
        try (Stream<Path> all = Files.list(classes)) {
            return all.anyMatch(each -> !each.toString().endsWith(".making") && Files.exists(each.resolve("whole")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void bundle_libtorchThatIsNone_isNamed() {
        Launched.Result result = Launched.script(Launched.HOME.resolve("launch/bundle.sh"), "--libtorch", "/tmp").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr())
                .isEqualTo("lockstep: --libtorch is cpu or a directory with libtorch.so, not /tmp\n");
    }
}
