package dev.lockstep.junit;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.testkit.engine.EngineTestKit;

import dev.lockstep.world.Op;
import dev.lockstep.world.World;

import static org.assertj.core.api.Assertions.assertThat;

class RanksTest {
    private static final Set<String> RUN = new ConcurrentSkipListSet<>();
    private int before;

    @BeforeEach
    void count() {
        before++;
    }

    @AfterAll
    static void everyRankRan() {
        assertThat(RUN).contains("sum 0/1", "sum 0/4", "sum 3/4", "other 0/2", "other 1/2", "made 2/3")
                .doesNotContain("sum 4/4");
    }

    @Ranks({1, 4})
    void sum_isThatOfAllRanks(World world) {
        assertThat(world.allReduce(1L, Op.SUM)).isEqualTo(world.size());
        assertThat(before).isEqualTo(1);
        RUN.add("sum " + world.rank() + "/" + world.size());
    }

    @Ranks(2)
    void otherParameters_areTheSameForAllRanks(TestInfo info, World world, @TempDir Path directory) {
        assertThat(info.getDisplayName()).isEqualTo("2 ranks");
        assertThat(Set.copyOf(world.allGather(directory.toString(), String.class))).hasSize(1);
        RUN.add("other " + world.rank() + "/" + world.size());
    }

    @Retention(RetentionPolicy.RUNTIME)
    @Ranks(3)
    @interface Three {
    }

    @Three
    void annotationOfOnesOwn_isTaken(World world) {
        RUN.add("made " + world.rank() + "/" + world.size());
    }

    /** Tests that are to fail; run by the test below only. */
    @Tag("failing")
    static class Failing {
        @Ranks(3)
        void assertion(World world) {
            assertThat(world.rank()).as("the rank").isLessThan(2);
            world.barrier();
        }

        @Ranks(2)
        void mismatch(World world) {
            if (world.isRoot()) {
                world.barrier();
            } else {
                world.gather(1, Integer.class);
            }
        }

        @Ranks(value = 2, timeoutSeconds = 0.3)
        void late(World world) throws InterruptedException {
            if (world.isRoot()) {
                world.barrier();
            }
            Thread.sleep(100_000);
        }

        @Ranks({})
        void none(World world) {
            world.barrier();
        }
    }

    @Test
    void failures_areThoseOfTheRank() {
        List<String> failures = EngineTestKit.engine("junit-jupiter")
                .selectors(DiscoverySelectors.selectClass(Failing.class)).execute().allEvents().failed().stream()
                .map(event -> event.getRequiredPayload(TestExecutionResult.class).getThrowable().orElseThrow())
                .map(thrown -> thrown.getMessage().strip().replaceAll("\\s+", " ")).toList();
        assertThat(failures).hasSize(4).anyMatch(line -> line.startsWith("[the rank] Expecting actual: 2"))
                .anyMatch(line -> line.contains("every rank must call the same collectives in the same order"))
                .anyMatch(line -> line.startsWith("hang: rank 1 has not reached barrier #1; "))
                .contains("@Ranks on none has no number of ranks");
    }
}
