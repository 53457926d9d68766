package dev.lockstep.world;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Spread;
import dev.lockstep.fixtures.SshHosts;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static org.assertj.core.api.Assertions.assertThat;

/** Collectives of ranks on two and three hosts, as SshIT makes them, spread in every way. */
class HostsIT {
    @RegisterExtension
    static final SshHosts HOSTS = new SshHosts();
    private static final int[] LENGTHS = {3, 5_000, 400_001};

    private static Launched.Command on(String hosts, String... words) {
        List<String> all = new ArrayList<>(List.of("--device", "cpu"));
        all.addAll(List.of(hosts.split(" ")));
        all.addAll(List.of(words));
        return HOSTS.launch(all.toArray(String[]::new));
    }

    /** More ranks than slots are dealt to the hosts in turn. */
    @ParameterizedTest
    @LongRun(butFor = 5)
    @CsvSource({"4, '-H lsone:2,lstwo:2'", "5, '-H lsone:3,lstwo:2'", "4, '-H lsone,lstwo:3'",
            "6, '-H lsone,lstwo -np 6 --oversubscribe'", "6, '-H lsone:2,lstwo:2,lsthree:2'",
            "6, '-H lsone,lstwo:3,lsthree:2 --encrypt'", "5, '-H lsone,lstwo,lsthree -np 5 --oversubscribe'",
            "3, '-H lsone,lstwo,lsthree'", "4, '-H lsone:2,lstwo:2 --dev niodev'"})
    void collectives_ofRanksOnSeveralHosts_areWhatTheyAreOnOne(int size, String hosts) {
        Launched.Result result = on(hosts, Stream.concat(
                Stream.of("-v", "-cp", TEST_CLASSES, "dev.lockstep.fixtures.Spread"),
                Arrays.stream(LENGTHS).mapToObj(Integer::toString)).toArray(String[]::new)).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines()).containsExactlyInAnyOrderElementsOf(Spread.expected(size, LENGTHS));
        String said = "mpjrun: the ranks of a host share memory\n";
        if (hosts.equals("-H lsone,lstwo,lsthree")) {
            assertThat(result.stderr()).as("each rank is alone").doesNotContain(said);
        } else {
            assertThat(result.stderr()).contains(said);
        }
    }

    @Test
    @LongRun
    void selftest_ofRanksDealtToThreeHosts_passes() {
        Launched.Result result = on("-H lsone,lstwo,lsthree -np 5 --oversubscribe", "selftest").run();
        assertThat(result.exitCode()).as(result.stdout() + result.stderr()).isZero();
        assertThat(result.lines()).isNotEmpty().allMatch(line -> line.startsWith("ok "));
    }

    @Test
    void rankOfAnotherHost_thatDoesNotCome_isNamedWithTheOthers() {
        Launched.Result result = stuck("late", "--timeout-collective", "1").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr())
                .matches("mpjrun: hang: rank 3 has not reached barrier #3; it has been in its own code "
                        + "after allGather #2 for \\d+ s; ranks 0, 1, 2 have been in barrier #3 for \\d+ s\n");
    }

    @Test
    @LongRun
    void rankOfAnotherHost_heldUp_isWaitedFor() {
        Launched.Result result = stuck("held-up").env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2")
                .env("LOCKSTEP_JAVA_OPTS", "-XX:-UseCountedLoopSafepoints -XX:LoopStripMiningIter=0").run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.lines()).containsExactly("held up", "done");
        assertThat(result.exitCode()).isZero();
    }

    @Test
    void ranksOfTwoHosts_inDifferentCollectives_areNamed() {
        Launched.Result result = stuck("mismatch").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).containsPattern("rank [012] (is )?in barrier #3.*rank 3 (is )?in gather #3");
    }

    private static Launched.Command stuck(String how, String... options) {
        return on("-H lsone:2,lstwo:2", Stream.concat(Stream.of(options),
                Stream.of("-cp", TEST_CLASSES, "dev.lockstep.fixtures.Stuck", how)).toArray(String[]::new));
    }
}
