package dev.lockstep.launch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.UserBuild;

import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** A program in Kotlin, whose data classes travel between ranks with Jackson's module for them on the class path. */
class KotlinIT {
    private static final String KOTLIN = "2.2.21";

    @Test
    @LongRun
    void dataClasses_travelBetweenRanks(@TempDir Path scratch) throws IOException, InterruptedException {
        String jackson = com.fasterxml.jackson.databind.cfg.PackageVersion.VERSION.toString();
        UserBuild project = new UserBuild(scratch.resolve("project"),
                UserBuild.dependency("com.fasterxml.jackson.module:jackson-module-kotlin:" + jackson)
                        + UserBuild.dependency("org.jetbrains.kotlin:kotlin-compiler-embeddable:" + KOTLIN));
        List<Path> libraries = project.libraries("Kotlin's compiler");
        Path source = project.write("src/Job.kt", """
                package org.example

                import dev.lockstep.world.World

                data class Answer(val rank: Int, val words: List<String> = listOf(), val score: Double? = null)

                fun main(args: Array<String>) {
                    World.init(args).use { world ->
                        val mine = Answer(world.rank(), listOf("a", "b".repeat(world.rank())))
                        val all = world.allGather(mine, Answer::class.java)
                        val best = world.broadcast(all[world.size() - 1].copy(score = 0.5), Answer::class.java)
                        world.gather(best.score ?: -1.0, Double::class.javaObjectType)
                            .ifPresent { scores -> world.print("$all $scores") }
                    }
                }
                """);
        Path classes = project.directory().resolve("classes");
        String path = libraries.stream().map(Path::toString).collect(Collectors.joining(":"));
        Process kotlinc = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp",
                path, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect", "-jvm-target", "17",
                "-cp", path + ":" + Launched.HOME.resolve("target/lockstep.jar"), "-d", classes.toString(),
                source.toString()).redirectErrorStream(true).start();
        String said = new String(kotlinc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(kotlinc.waitFor()).as(said).isZero();
        String runtime = libraries.stream().map(Path::toString)
                .filter(jar -> !jar.matches(".*kotlin-(compiler|daemon|script).*")).collect(Collectors.joining(":"));
        Launched.Result result = mpjrun("-np", "2", "-cp", classes + ":" + runtime, "org.example.JobKt").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("[Answer(rank=0, words=[a, ], score=null), "
                + "Answer(rank=1, words=[a, b], score=null)] [0.5, 0.5]\n");
        assertThat(result.stderr()).isEmpty();
    }
}
