package dev.lockstep.watch;

import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Test;

import dev.lockstep.wire.Message.Formed;
import dev.lockstep.wire.Message.Heartbeat;
import dev.lockstep.wire.Message.Left;
import dev.lockstep.wire.Message.Position;
import dev.lockstep.wire.Message.Progress;
import dev.lockstep.wire.Message.Wait;
import dev.lockstep.wire.Message.Waits;

import static org.assertj.core.api.Assertions.assertThat;

class CollectiveWatchdogTest {
    private static final long SECOND = 1_000_000_000L;
    private final CollectiveWatchdog positions = new CollectiveWatchdog(3, Duration.ofSeconds(30), 0);

    private void at(int second, int rank, int number, String verb, boolean inside) {
        positions.take(rank, new Position(0, 0, number, verb + " #" + number, inside, 0), second * SECOND);
    }

    private String line(int second) {
        return positions.check(second * SECOND).map(finding -> finding.code().code() + ": " + finding.line())
                .orElse("");
    }

    @Test
    void check_findsNothingWhereRanksAreOnlyAtDifferentPlaces() {
        at(0, 0, 7, "barrier", true);
        at(0, 1, 6, "gather", true);
        at(0, 2, 6, "gather", false);
        assertThat(line(29)).isEmpty();
    }

    @Test
    void check_afterTheLimit_namesTheRankThatIsFarthestBehind() {
        at(1, 0, 7, "barrier", true);
        at(2, 1, 7, "barrier", true);
        at(0, 2, 6, "gather", true);
        assertThat(line(31)).isEmpty();
        assertThat(line(32))
                .isEqualTo("124: hang: rank 2 has not reached barrier #7; it has been in gather #6 for 32 s; "
                        + "ranks 0, 1 have been in barrier #7 for 31 s");
    }

    @Test
    void check_doesNotBlameARankThatWaitsItself() {
        at(0, 0, 7, "barrier", true);
        at(0, 1, 6, "broadcast", true);
        at(0, 2, 5, "gather", false);
        assertThat(line(40)).startsWith("124: hang: rank 2 has not reached ");
    }

    @Test
    void check_waitsForRanksThatGiveSigns() {
        at(0, 0, 1, "barrier", true);
        at(0, 2, 1, "barrier", true);
        positions.take(1, new Heartbeat(true), 20 * SECOND);
        assertThat(line(45)).isEmpty();
        positions.take(1, new Progress(1, 2, 3, -1, -1, 4), 45 * SECOND);
        positions.take(1, new Heartbeat(false), 60 * SECOND);
        assertThat(line(74)).isEmpty();
        assertThat(line(76)).startsWith("124: hang: rank 1 has not reached barrier #1; it is in its own code before");
    }

    private void waits(int second, int rank, Wait... all) {
        positions.take(rank, new Waits(List.of(all)), second * SECOND);
    }

    @Test
    void check_ofTwoThatWaitForEachOther_namesBoth() {
        at(0, 0, 1, "barrier", false);
        at(0, 1, 1, "barrier", false);
        at(0, 2, 1, "barrier", false);
        waits(5, 0, new Wait(1, false, 3, 4000));
        waits(5, 1, new Wait(0, true, 4, 2000));
        assertThat(line(31)).isEmpty();
        assertThat(line(32))
                .isEqualTo("124: hang: rank 0 has waited for a message of rank 1 with tag 3 for 31 s; it has"
                        + " been waiting for rank 0 to receive a message with tag 4 for 29 s; rank 0 has been waiting for a message"
                        + " of rank 1 with tag 3 for 31 s; rank 2 has been in its own code after barrier #1 for 32 s");
    }

    @Test
    void check_ofAMessage_waitsForARankThatGivesSigns_orWaitsForOneThatDoes() {
        waits(1, 0, new Wait(1, false, 3, 0));
        waits(1, 1, new Wait(2, false, 3, 0));
        positions.take(2, new Heartbeat(true), 25 * SECOND);
        assertThat(line(54)).isEmpty();
        assertThat(line(56)).startsWith("124: hang: rank 0 has waited for a message of rank 1 with tag 3 for 55 s; ");
    }

    @Test
    void check_ofAMessageThatHasCome_findsNothing() {
        waits(1, 0, new Wait(1, false, 3, 0));
        waits(20, 0);
        assertThat(line(100)).isEmpty();
    }

    /** It had come when the rank ended, which has said that it waits once a second only. */
    @Test
    void check_ofAMessageForARankThatHasEnded_findsNothing() {
        waits(31, 0, new Wait(1, false, 3, 30_000));
        positions.ended(0);
        positions.ended(1);
        assertThat(line(100)).isEmpty();
    }

    @Test
    void check_ofAMessageOfARankThatHasEnded_namesIt() {
        positions.take(1, new Heartbeat(true), 10 * SECOND);
        positions.ended(1);
        waits(31, 0, new Wait(1, false, 3, 30_999));
        assertThat(line(40)).isEmpty();
        assertThat(line(41))
                .startsWith("124: hang: rank 0 has waited for a message of rank 1 with tag 3 for 40 s; it is at"
                        + " its end; rank 0 has been waiting for");
    }

    @Test
    void check_ofAMessage_doesNotBlameARankThatIsHeldUp() {
        waits(1, 0, new Wait(1, false, 3, 0));
        at(0, 1, 1, "barrier", true);
        assertThat(line(40))
                .startsWith("124: hang: rank 0 has not reached barrier #1; it has been waiting for a message");
    }

    @Test
    void check_withoutLimit_waitsForEver() {
        CollectiveWatchdog patient = new CollectiveWatchdog(2, Duration.ZERO, 0);
        patient.take(0, new Position(0, 0, 1, "barrier #1", true, 0), 0);
        assertThat(patient.check(1_000_000 * SECOND)).isEmpty();
    }

    @Test
    void forgive_takesAPauseOffTheClock() {
        at(0, 0, 1, "barrier", true);
        positions.forgive(100 * SECOND);
        assertThat(line(120)).isEmpty();
        assertThat(line(131)).isNotEmpty();
    }

    @Test
    void check_namesRanksInDifferentCalls() {
        at(0, 2, 5, "gather", false);
        at(0, 1, 5, "barrier", true);
        assertThat(line(0))
                .isEqualTo("1: rank 1 is in barrier #5, rank 2 in gather #5: every rank must call the same "
                        + "collectives in the same order");
    }

    @Test
    void check_namesARankThatHasEndedBeforeTheOthersDid() {
        at(0, 0, 5, "barrier", true);
        at(0, 1, 5, "barrier", false);
        positions.ended(1);
        assertThat(line(0)).isEmpty();
        at(0, 2, 4, "gather", false);
        positions.ended(2);
        assertThat(line(0)).isEqualTo("1: rank 2 has ended, where rank 0 waits for it in barrier #5");
    }

    @Test
    void check_waitsForAGroupUntilAllHaveLeftIt() {
        positions.take(0, new Formed(1, 0, List.of(0, 1)), 0);
        positions.take(1, new Left(1, 0), 0);
        positions.take(0, new Position(1, 0, 1, "barrier #1 of the group of ranks 0, 1", true, 0), 0);
        assertThat(line(31)).startsWith("124: hang: rank 1 has not reached barrier #1 of the group of ranks 0, 1; ");
    }

    @Test
    void check_countsForEveryGroupApart() {
        // two groups with the same id, which share no rank
        positions.take(0, new Formed(1, 0, List.of(0)), 0);
        positions.take(1, new Formed(1, 1, List.of(2, 1)), 0);
        positions.take(0, new Position(1, 0, 3, "gather #3 of the group of ranks 0", true, 0), 0);
        positions.take(1, new Position(1, 1, 3, "barrier #3 of the group of ranks 2, 1", true, 0), 0);
        assertThat(line(29)).isEmpty();
        assertThat(line(31)).startsWith("124: hang: rank 2 has not reached barrier #3 of the group of ranks 2, 1; ");
    }
}
