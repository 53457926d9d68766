package dev.lockstep.world;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Every collective, over all roots and a table of awkward values, in real ranks. */
class CollectivesIT {
    private static final String PROGRAM = "dev.lockstep.fixtures.CollectivesProgram";

    /** The built-in selftest is run with more numbers of ranks: BuiltInsIT. */
    @Test
    void collectives_overAllRootsAndAwkwardValues() {
        Launched.Result result = mpjrun("-np", "3", "-cp", TEST_CLASSES, PROGRAM, "small", "-x").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("checked by 3\n");
        assertThat(result.stderr()).isEmpty();
    }

    /** The same between GPUs where there are two: the program takes whatever the ranks are given. */
    @Test
    @LongRun
    void collectivesOnArraysOfDjl_areAsTheWorldsOwn() {
        Launched.Result result = mpjrun("-np", "3", "--device", "cpu", "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.DeviceCollectivesProgram").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).matches("device collectives: [0-9]{4} checks, all equal\n");
        assertThat(result.stderr()).isEmpty();
    }

    @Test
    void gather_of200MegabytesInBoundedDirectMemory() {
        Launched.Result result = mpjrun("-np", "2", "-cp", TEST_CLASSES, PROGRAM, "large", "200")
                .env("LOCKSTEP_JAVA_OPTS", "-Xmx1700m -XX:MaxDirectMemorySize=256m").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("checked by 2\n");
    }

    @Test
    void plainJava_isAWorldOfOne() throws IOException, InterruptedException {
        String target = Launched.HOME.resolve("target").toString();
        // no MPJ on the class path: one rank needs none
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1", "-cp", String.join(File.pathSeparator, TEST_CLASSES,
                        target + "/lockstep.jar", target + "/lib/*"),
                PROGRAM, "small").redirectErrorStream(true);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(output).isEqualTo("checked by 1\n");
        assertThat(process.exitValue()).isZero();
    }
}
