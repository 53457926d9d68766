package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Programs that are one source file. */
class SourceFileIT {
    /** In a package, its class named unlike the file, with others beside it, and one from -cp. */
    private static final String PROGRAM = """
            package org.example;

            import java.nio.file.Path;
            import java.util.List;
            import dev.lockstep.fixtures.Golden;
            import dev.lockstep.world.World;

            record Program(String name) {
                public static void main(String[] args) throws Exception {
                    try (World world = World.init(args)) {
                        Runnable lambda = () -> System.out.println(new Inner(world.rank()) + " " + List.of(args) + " "
                                + Golden.class.getSimpleName() + " " + new Other().getClass().getName()
                                + " " + place());
                        lambda.run();
                    }
                }

                record Inner(int rank) {}

                static String place() {
                    var source = Program.class.getProtectionDomain().getCodeSource();
                    return source == null ? "none" : Path.of(source.getLocation().getPath()).getFileName().toString();
                }
            }

            class Other {}
            """;

    @TempDir
    private Path directory;

    private Path write(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }

    @Test
    void program_ofSeveralClassesInAPackage_isCompiledOnceForAllRanks() throws IOException {
        String file = write("job.java", PROGRAM).toString();
        for (int ranks : new int[]{1, 3}) {
            Launched.Result result = mpjrun("-np", Integer.toString(ranks), "--device", "cpu", "-cp", TEST_CLASSES,
                    file,
                    "-a", "b c").run();
            assertThat(result.stderr()).isEmpty();
            assertThat(result.exitCode()).isZero();
            assertThat(result.lines()).hasSize(ranks).allSatisfy(line -> assertThat(line)
                    .matches("Inner\\[rank=\\d] \\[-a, b c] Golden org\\.example\\.Other program\\.jar"));
        }
        assertThat(directory).isDirectoryContaining(each -> each.endsWith("job.java")).isDirectoryNotContaining(
                each -> each.toString().endsWith(".class"));
    }

    @Test
    void mistakes_areSaidOnce_beforeAnyRankStarts() throws IOException {
        String file = write("Wrong.java", """
                class Wrong {
                    public static void main(String[] args) {
                        int x = "text";
                        nothing();
                    }
                }
                """).toString();
        Launched.Result result = mpjrun("-np", "3", "--device", "cpu", file).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
        assertThat(result.stderr().lines().toList()).startsWith(
                file + ":3: error: incompatible types: java.lang.String cannot be converted to int",
                "        int x = \"text\";",
                "                ^",
                file + ":4: error: cannot find symbol")
                .endsWith("mpjrun: " + file + " cannot be compiled: the 2 mistakes are above");
        Launched.Result empty = mpjrun(write("Empty.java", "// nothing\n").toString()).run();
        assertThat(empty.stderr()).isEqualTo("mpjrun: there is no class in " + directory.resolve("Empty.java") + "\n");
        assertThat(empty.exitCode()).isEqualTo(2);
    }

    /** What java itself passes on to its compiler is still java's. */
    @Test
    @LongRun
    void program_withOptionsForTheCompiler_isLeftToJava() throws IOException {
        String file = write("job.java", PROGRAM).toString();
        for (Map.Entry<String, String> option : Map.of("LOCKSTEP_JAVA_OPTS", "-Xmx64m --add-modules java.sql",
                "JDK_JAVA_OPTIONS", "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED").entrySet()) {
            Launched.Result result = mpjrun("-q", "-np", "2", "--device", "cpu", "-cp", TEST_CLASSES, file)
                    .env(option.getKey(), option.getValue()).run();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.lines()).hasSize(2).allSatisfy(line -> assertThat(line)
                    .contains(" Golden org.example.Other ").doesNotEndWith("program.jar"));
        }
    }
}
