package dev.lockstep.world;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Roles;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** What one rank does for all or alone: first, only, or in the log. Several hosts are SshIT's. */
class RolesIT {
    @TempDir
    private Path directory;

    @Test
    void oneRank_isFirstOrOnly() {
        Launched.Result result = mpjrun("-np", "3", "--device", "cpu", "-cp", TEST_CLASSES, Roles.class.getName(),
                directory.toString()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines()).containsExactlyInAnyOrder("root downloaded by [0], the others waited: true",
                "local downloaded by [0], the others waited: true", "on rank 2", "on root 0: the others went on",
                "rank -1 is not a rank of 3", "rank 3 is not a rank of 3");
        String time = "\\d\\d:\\d\\d:\\d\\d\\.\\d\\d\\d INFO  ";
        assertThat(result.stderr().lines().map(line -> line.replaceFirst("^" + time, "at its time: ")))
                .containsExactlyInAnyOrder("at its time: [rank 0] Roles: from the root",
                        "at its time: [rank 0] Roles: from every rank", "at its time: [rank 1] Roles: from every rank",
                        "at its time: [rank 2] Roles: from every rank");
    }
}
