package dev.lockstep.launch;

import java.time.Duration;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;

import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RestartPolicyTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void restart_diedAtOnce_waitsTwiceAsLongEachTime() {
        RestartPolicy policy = new RestartPolicy(9, 0, null);
        long[] expected = {1, 2, 4, 8, 16, 30, 30};
        for (int i = 0; i < expected.length; i++) {
            assertThat(policy.restart(i * SECOND, false, i * SECOND + SECOND).toSeconds()).isEqualTo(expected[i]);
        }
    }

    @Test
    void restart_gotSomethingDoneOrLivedLong_doesNotWait() {
        RestartPolicy policy = new RestartPolicy(9, 0, null);
        assertThat(policy.restart(0, false, SECOND)).isEqualTo(Duration.ofSeconds(1));
        assertThat(policy.restart(0, true, SECOND)).isZero();
        assertThat(policy.restart(0, false, SECOND)).isEqualTo(Duration.ofSeconds(1));
        assertThat(policy.restart(0, false, 11 * SECOND)).isZero();
        assertThat(policy.restart(0, false, SECOND)).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void allows_withoutWindow_countsAll() {
        RestartPolicy policy = new RestartPolicy(2, 0, null);
        policy.restart(0, true, SECOND);
        assertThat(policy.allows(2 * SECOND)).isTrue();
        policy.restart(0, true, 1000 * SECOND);
        assertThat(policy.allows(1_000_000 * SECOND)).isFalse();
        assertThat(policy.count(1_000_000 * SECOND)).isEqualTo("restart 2 of 2");
    }

    @Test
    void allows_withWindow_forgetsWhatIsOlder() {
        RestartPolicy policy = new RestartPolicy(2, 0, Duration.ofSeconds(60));
        policy.restart(0, true, 10 * SECOND);
        policy.restart(0, true, 50 * SECOND);
        assertThat(policy.allows(70 * SECOND)).isFalse();
        assertThat(policy.allows(71 * SECOND)).isTrue();
        policy.restart(0, true, 71 * SECOND);
        assertThat(policy.count(71 * SECOND)).isEqualTo("restart 2 of 2 within 60 s");
        assertThat(policy.allows(71 * SECOND)).isFalse();
    }

    @Test
    void ranks_whereHostsAreGone_areAsManyAsThereIsRoomFor() {
        RestartPolicy all = new RestartPolicy(1, 0, null);
        assertThat(all.ranks(4, 6, Set.of("b"))).isEqualTo(4);
        assertThatThrownBy(() -> all.ranks(4, 3, Set.of("b"))).isInstanceOf(UsageException.class)
                .hasMessage("host b does not answer, and the others have room for 3 of 4 ranks (--min-ranks M goes on "
                        + "with M or more)");
        RestartPolicy two = new RestartPolicy(1, 2, null);
        assertThat(two.ranks(4, 3, Set.of("b"))).isEqualTo(3);
        assertThat(two.ranks(4, 2, Set.of("b"))).isEqualTo(2);
        assertThatThrownBy(() -> two.ranks(4, 1, List.of("b", "c"))).hasMessage(
                "hosts b, c do not answer, and the others have room for 1 of 4 ranks, fewer than --min-ranks 2");
    }
}
