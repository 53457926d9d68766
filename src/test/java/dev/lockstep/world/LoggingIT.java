package dev.lockstep.world;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Roles;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Who decides what ranks log, and how. That a rank which logs nothing sets up no logging is ClassDataIT's. */
class LoggingIT {
    @TempDir
    private Path directory;

    @Test
    void configuration_ofTheUser_isFollowed() throws IOException {
        Path own = Files.writeString(directory.resolve("own.xml"), """
                <configuration>
                  <appender name="own" class="ch.qos.logback.core.ConsoleAppender">
                    <target>System.err</target>
                    <encoder><pattern>own ${lockstep.rank} %level %msg%n</pattern></encoder>
                  </appender>
                  <root level="INFO"><appender-ref ref="own"/></root>
                </configuration>
                """);
        Launched.Result result = mpjrun("-np", "2", "--device", "cpu", "-cp", TEST_CLASSES, Roles.class.getName(),
                Files.createDirectory(directory.resolve("files")).toString())
                        .env("LOCKSTEP_JAVA_OPTS", "-Dlogback.configurationFile=" + own).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stderr().lines()).containsExactlyInAnyOrder("own 0 INFO from the root",
                "own 0 INFO from every rank", "own 1 INFO from every rank");
    }

    @Test
    void mpj_withALevelOfItsOwn_logs() throws IOException {
        Path conf = Files.createDirectory(directory.resolve("conf")).resolve("mpjexpress.conf");
        Files.writeString(conf, "mpjexpress.mpi.loglevel=DEBUG\n");
        Launched.Result loud = mpjrun("-np", "2", "--dev", "niodev", "-x", "MPJ_HOME=" + directory, "hello").run();
        assertThat(loud.exitCode()).as(loud.stderr()).isZero();
        assertThat(loud.lines()).hasSize(2);
        assertThat(loud.stderr()).containsPattern("DEBUG \\[rank 0\\] mpj: ")
                .containsPattern("DEBUG \\[rank 1\\] mpj: ");
        Files.writeString(conf, "mpjexpress.mpi.loglevel=INFO\n");
        Launched.Result quiet = mpjrun("-np", "2", "--dev", "niodev", "-x", "MPJ_HOME=" + directory, "hello").run();
        assertThat(quiet.exitCode()).as(quiet.stderr()).isZero();
        assertThat(quiet.stderr()).isEmpty(); // it asks for debug lines before it says any of the others
    }
}
