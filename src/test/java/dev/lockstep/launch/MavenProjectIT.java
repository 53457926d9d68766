package dev.lockstep.launch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.UserBuild;

import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Lockstep as a dependency in somebody's Maven project, from a repository that has nothing else of it. */
class MavenProjectIT {
    private static final long MOST_BYTES = 5 << 20;
    private static final String INSTALL = "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file";
    private static final String CLASS_PATH = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:build-classpath";

    @TempDir
    private static Path scratch;
    private static UserBuild project;

    @BeforeAll
    static void build() throws IOException, InterruptedException {
        project = new UserBuild(scratch.resolve("project"), UserBuild.dependency("dev.lockstep:lockstep:" + version()));
        project.write("src/main/java/org/example/Squares.java", """
                package org.example;

                import java.util.List;

                import dev.lockstep.world.World;

                public class Squares {
                    public record Square(int rank, int is) {}

                    public static void main(String[] args) {
                        try (World world = World.init(args)) {
                            List<Square> mine = world.split(List.of(1, 2, 3)).stream()
                                    .map(n -> new Square(world.rank(), n * n)).toList();
                            world.gatherAll(mine, Square.class)
                                    .ifPresent(all -> world.print(all + String.join(" ", args)));
                        }
                    }
                }
                """);
        project.write("src/main/java/org/example/Threads.java", """
                package org.example;

                import dev.lockstep.world.Op;
                import dev.lockstep.world.Worlds;

                public class Threads {
                    public static void main(String[] args) {
                        System.out.println(Worlds.run(3, world -> world.allReduce(world.rank(), Op.SUM)));
                    }
                }
                """);
        String repository = "-Dmaven.repo.local=" + scratch.resolve("repository");
        project.maven(INSTALL, repository, "-Dfile=" + Launched.HOME.resolve("target/lockstep.jar"),
                "-DpomFile=" + Launched.HOME.resolve("pom.xml"));
        project.maven(repository, "compile", CLASS_PATH, "-Dmdep.outputFile=target/classpath");
    }

    private static String version() throws IOException {
        try (JarFile jar = new JarFile(Launched.HOME.resolve("target/lockstep.jar").toFile())) {
            return jar.getManifest().getMainAttributes().getValue("Implementation-Version");
        }
    }

    private static List<Path> classPath() throws IOException {
        return Arrays.stream(Files.readString(project.directory().resolve("target/classpath")).split(":"))
                .map(Path::of).toList();
    }

    @Test
    void dependency_bringsJacksonAndSlf4jOnly() throws IOException {
        List<Path> jars = classPath();
        assertThat(jars).allSatisfy(jar -> assertThat(jar.getFileName().toString())
                .matches("(lockstep|jackson-(core|annotations|databind|datatype-\\w+)|slf4j-api)-[\\d.]+\\.jar"));
        assertThat(jars.stream().mapToLong(jar -> jar.toFile().length()).sum()).isBetween(1L << 20, MOST_BYTES);
    }

    /** What begins with @ after the program's name is the program's. */
    @Test
    void program_runsByItsClassPath() {
        Launched.Result result = mpjrun("-np", "2", "-cp", "target/classes:@target/classpath", "org.example.Squares",
                "@target/classpath").in(project.directory()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo(
                "[Square[rank=0, is=1], Square[rank=0, is=4], Square[rank=1, is=9]]@target/classpath\n");
        assertThat(result.stderr()).isEmpty();
    }

    /** Neither MPJ Express nor anything else that only the launcher brings. */
    @Test
    void ranksThatAreThreads_needTheDependencyOnly() throws IOException, InterruptedException {
        String path = "target/classes:" + Files.readString(project.directory().resolve("target/classpath"));
        Process java = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp", path,
                "org.example.Threads").directory(project.directory().toFile()).redirectErrorStream(true).start();
        assertThat(new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("[3, 3, 3]\n");
        assertThat(java.waitFor()).isZero();
    }

    @Test
    void classPath_listedByMaven_isLeftToLockstepWhereItIsItsOwn() throws IOException {
        Launched.Result result = mpjrun("--dry-run", "-v", "-cp", "target/classes:@target/classpath",
                "org.example.Squares")
                        .in(project.directory()).run();
        assertThat(result.stdout()).contains("/target/lockstep.jar", project.directory() + "/target/classes")
                .doesNotContain(scratch.resolve("repository").toString());
    }

    /** Of another build, say; its World and the launcher would not understand each other. */
    @Test
    void lockstep_ofAnotherBuild_comesAfterTheLaunchers() throws IOException, InterruptedException {
        Path other = Files.copy(classPath().get(0), scratch.resolve("other.jar"));
        Path more = Files.writeString(scratch.resolve("more.txt"), "makes it another");
        assertThat(new ProcessBuilder("jar", "uf", other.toString(), "-C", scratch.toString(),
                more.getFileName().toString()).inheritIO().start().waitFor()).isZero();
        Launched.Result result = mpjrun("--dry-run", "-v", "-cp", "target/classes:" + other, "org.example.Squares")
                .in(project.directory()).run();
        String path = Stream.of(result.stdout().split("\\s+")).filter(word -> word.contains("other.jar")).findFirst()
                .orElseThrow();
        assertThat(path).startsWith(Launched.HOME.resolve("target/lockstep.jar") + ":");
    }

    @Test
    void classPath_inAFileThatIsNotThere_isRefused() {
        Launched.Result result = mpjrun("-np", "2", "-cp", "@target/nowhere", "org.example.Squares")
                .in(project.directory()).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).startsWith("mpjrun: -cp @target/nowhere: the file with the class path cannot be "
                + "read: ").endsWith("; mvn dependency:build-classpath -Dmdep.outputFile=target/nowhere writes it\n");
    }
}
