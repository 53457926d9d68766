package dev.lockstep.world;

import org.junit.jupiter.api.Test;

import dev.lockstep.fixtures.Launched;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Values larger than what holds them. */
class StreamsIT {
    private static final String PROGRAM = "dev.lockstep.fixtures.Streams";

    /** A rank without items comes to its end while the others are still at it. */
    @Test
    void gatherEach_ofMoreThanTheHeap() {
        Launched.Result result = mpjrun("-np", "3", "-cp", TEST_CLASSES, PROGRAM, "each", "200")
                .env("LOCKSTEP_JAVA_OPTS", "-Xmx128m -XX:MaxDirectMemorySize=128m -XX:TieredStopAtLevel=1").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).matches("400 items, 400 MB, heap 1[12]\\d\n");
    }

    @Test
    void gather_ofAnArrayThatIsLargerThanDirectMemory() {
        Launched.Result result = mpjrun("-np", "2", "-cp", TEST_CLASSES, PROGRAM, "array", "300")
                .env("LOCKSTEP_JAVA_OPTS", "-Xmx800m -XX:MaxDirectMemorySize=128m -XX:TieredStopAtLevel=1").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).matches("300 MB in .* s, nothing from the others: true\n");
    }
}
