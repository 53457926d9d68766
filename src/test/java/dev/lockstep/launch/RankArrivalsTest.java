package dev.lockstep.launch;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.Peer;

import static org.assertj.core.api.Assertions.assertThat;

class RankArrivalsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final String CHANGES = " (LOCKSTEP_BOOTSTRAP_TIMEOUT, in seconds, changes that): ";
    private final RankArrivals arrivals = new RankArrivals(3, Duration.ofSeconds(30));

    private void hello(int rank, int second) {
        arrivals.take(rank, new Message.Hello(rank, 100 + rank, "h" + rank), second * SECOND);
    }

    private void ports(int rank, int second) {
        arrivals.take(rank, new Message.Ports("10.0.0." + rank, 1, 2, ""), second * SECOND);
    }

    private String line(int second) {
        return arrivals.check(second * SECOND, rank -> "process of " + rank).orElse("");
    }

    @Test
    void check_noRankComes_isNoFault() {
        assertThat(line(1000)).isEmpty();
    }

    @Test
    void check_someMissing_namesThemAndWhatEachDoes() {
        hello(1, 5);
        ports(1, 6);
        hello(2, 7);
        assertThat(line(35)).isEmpty();
        assertThat(line(36)).isEqualTo("rank 0 of 3 did not reach World.init within 30 s of the first" + CHANGES
                + "rank 0: process of 0; rank 2: connected from host h2, in World.init, its MPI ports not open yet");
    }

    @Test
    void check_allMissing_whereOneHasCome() {
        hello(1, 5);
        assertThat(line(36)).isEqualTo("ranks 0, 2 of 3 did not reach World.init within 30 s of the first" + CHANGES
                + "rank 0: process of 0; rank 1: connected from host h1, in World.init, its MPI ports not open yet; "
                + "rank 2: process of 2");
    }

    @Test
    void check_allHaveComeButHaveNoPorts() {
        hello(0, 1);
        hello(1, 5);
        hello(2, 6);
        ports(1, 7);
        assertThat(line(32)).isEqualTo("ranks 0, 2 of 3 reached World.init but did not open their MPI ports within "
                + "30 s of the first arrival" + CHANGES + "rank 0: connected from host h0, in World.init, its MPI "
                + "ports not open yet; rank 2: connected from host h2, in World.init, its MPI ports not open yet");
    }

    @Test
    void check_ranksInTheSameState_areNamedTogether() {
        hello(0, 1);
        assertThat(arrivals.check(40 * SECOND, rank -> "not started").orElseThrow())
                .endsWith("; ranks 1, 2: not started");
    }

    @Test
    void take_theLastPorts_giveTheTableOnce_andMpiInitHasItsTime() {
        for (int rank = 0; rank < 3; rank++) {
            hello(rank, 1);
        }
        ports(0, 2);
        ports(2, 3);
        assertThat(arrivals.take(1, new Message.Ports("10.0.0.1", 1, 2, ""), 25 * SECOND))
                .contains(new Message.Table(List.of(new Peer(0, "10.0.0.0", 1, 2, ""),
                        new Peer(1, "10.0.0.1", 1, 2, ""), new Peer(2, "10.0.0.2", 1, 2, ""))));
        arrivals.take(1, new Message.Joined(false), 26 * SECOND);
        assertThat(line(55)).isEmpty();
        assertThat(line(56))
                .startsWith("ranks 0, 2 of 3 have not come out of MPI.Init within 30 s" + CHANGES
                        + "rank 0 is in it on host h0 (process 100), rank 2 is in it on host h2 (process 102), rank 1 is "
                        + "through; ");
        arrivals.take(0, new Message.Joined(false), 56 * SECOND);
        arrivals.take(2, new Message.Joined(false), 56 * SECOND);
        assertThat(line(1000)).isEmpty();
    }

    @Test
    void forgive_aPauseOfOurOwn_isNobodysDelay() {
        hello(0, 1);
        arrivals.forgive(100 * SECOND);
        assertThat(line(131)).isEmpty();
        assertThat(line(132)).isNotEmpty();
    }

    private Optional<Message> worker(int rank, int second, String reason) {
        byte[] address = reason.isEmpty() ? new byte[]{(byte) rank} : new byte[0];
        return arrivals.take(rank, new Message.Worker(address, reason), second * SECOND);
    }

    @Test
    void take_theLastAddress_givesThoseOfAllInOrder_andMpiInitHasItsTime() {
        for (int rank : new int[]{2, 0, 1}) {
            hello(rank, 1);
        }
        assertThat(worker(2, 2, "")).isEmpty();
        assertThat(worker(0, 3, "")).isEmpty();
        assertThat(worker(1, 25, "").orElseThrow()).isInstanceOfSatisfying(Message.Workers.class,
                all -> assertThat(all.addresses()).containsExactly(new byte[]{0}, new byte[]{1}, new byte[]{2}));
        assertThat(arrivals.messages()).isEqualTo("messages go over UCX");
        assertThat(line(55)).isEmpty();
        assertThat(line(56)).startsWith("ranks 0, 1, 2 of 3 have not come out of MPI.Init within 30 s")
                .endsWith("rank 2 is in it on host h2 (process 102)");
    }

    @Test
    void take_oneRankWithoutUcx_givesNoAddress_andPortsAreWaitedFor() {
        for (int rank = 0; rank < 3; rank++) {
            hello(rank, 1);
        }
        worker(0, 2, "");
        worker(1, 2, "rank 1 on host h1: there is none");
        assertThat(worker(2, 3, "").orElseThrow()).isInstanceOfSatisfying(Message.Workers.class,
                none -> assertThat(none.addresses()).isEmpty());
        tcp(0, 4);
        assertThat(arrivals.messages()).isEqualTo(
                "messages go over Lockstep's TCP, encrypted, not over UCX: rank 1 on host h1: there is none");
        assertThat(line(32)).startsWith("ranks 1, 2 of 3 reached World.init but did not open their MPI ports");
    }

    private void tcp(int rank, int second) {
        arrivals.take(rank, new Message.Ports("10.0.0." + rank, 1, 0, "ab"), second * SECOND);
    }

    @Test
    void messages_withoutAnyoneAskingForUcx_sayByWhatTheyGo() {
        ports(0, 1);
        assertThat(arrivals.messages()).isEqualTo("messages go over MPJ Express's niodev");
        tcp(0, 1);
        assertThat(arrivals.messages()).isEqualTo("messages go over Lockstep's TCP, encrypted");
    }

    @Test
    void check_overTcp_saysNothingOfMpjsPorts() {
        for (int rank = 0; rank < 3; rank++) {
            hello(rank, 1);
            tcp(rank, 2);
        }
        assertThat(line(40)).startsWith("ranks 0, 1, 2 of 3 have not come out of MPI.Init within 30 s")
                .endsWith("rank 2 is in it on host h2 (process 102)");
    }

    @Test
    void check_addressOfOneMissing_namesItAlone() {
        hello(0, 1);
        hello(1, 1);
        hello(2, 1);
        worker(0, 2, "");
        worker(2, 2, "");
        assertThat(line(32)).startsWith("rank 1 of 3 reached World.init but did not open its MPI ports");
    }
}
