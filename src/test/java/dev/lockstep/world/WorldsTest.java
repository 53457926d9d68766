package dev.lockstep.world;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Stuck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Ranks as threads; what they say of each other is what HangIT and FailureIT hear of processes. */
@Timeout(60)
class WorldsTest {
    private static final Duration SHORT = Duration.ofMillis(700);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 17, 64})
    void run_givesEachRanksResultInOrder(int ranks) {
        int sum = ranks * (ranks - 1) / 2;
        assertThat(Worlds.run(ranks, world -> world.rank() + " of " + world.size() + " "
                + world.allReduce(world.rank(), Integer.class, Integer::sum)))
                        .isEqualTo(
                                IntStream.range(0, ranks).mapToObj(rank -> rank + " of " + ranks + " " + sum).toList());
    }

    @Test
    void rank_thatReturnsNull_hasNullInItsPlace() {
        assertThat(Worlds.run(2, world -> world.isRoot() ? null : "a")).isEqualTo(Arrays.asList(null, "a"));
    }

    @Test
    void noRank_isRefused() {
        assertThatThrownBy(() -> Worlds.run(0, World::rank)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a world has 1 rank or more, not 0");
    }

    @Test
    void exceptionOfOneRank_endsTheOthersAndIsThrownItself() {
        IOException thrown = new IOException("disk");
        AtomicInteger ended = new AtomicInteger();
        assertThatThrownBy(() -> Worlds.each(4, world -> {
            if (world.rank() == 2) {
                throw thrown;
            }
            try {
                if (world.isRoot()) {
                    new CountDownLatch(1).await(); // not in any verb
                }
                world.barrier();
            } finally {
                ended.incrementAndGet();
            }
        })).isSameAs(thrown).hasSuppressedException(new IllegalStateException("thrown by rank 2 of 4"));
        assertThat(ended).hasValue(3);
    }

    @Test
    void assertionOfOneRank_isThrown() {
        assertThatThrownBy(() -> Worlds.each(3, world -> assertThat(world.rank()).isLessThan(2)))
                .isInstanceOf(AssertionError.class).hasMessageContaining("2");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"mismatch | in barrier #3 | in gather #3",
            "roots | in broadcast #3 (root 1) | in broadcast #3", "kinds | in gather #3 | in gather #3 (ints)"})
    void ranks_inDifferentCollectives_areNamed(String how, String zero, String one) {
        assertThatThrownBy(() -> stuck(2, Worlds.TIMEOUT, how)).isInstanceOf(IllegalStateException.class)
                .message().isIn("rank 0 is " + zero + ", rank 1 " + one
                        + ": every rank must call the same collectives in the same order",
                        "rank 1 is " + one + ", rank 0 " + zero
                                + ": every rank must call the same collectives in the same order");
    }

    @Test
    void rank_thatDoesNotCome_isNamedWithTheOthers() {
        assertThatThrownBy(() -> stuck(3, SHORT, "late")).isInstanceOf(IllegalStateException.class)
                .message().matches("hang: rank 2 has not reached barrier #3; it has been in its own code "
                        + "after allGather #2 for \\d+ s; ranks 0, 1 have been in barrier #3 for \\d+ s");
    }

    @Test
    void rank_thatHoldsUpAGroup_isNamedAndNotTheRanksItHoldsUp() {
        assertThatThrownBy(() -> stuck(3, SHORT, "late-in-group")).message()
                .startsWith("hang: rank 2 has not reached barrier #")
                .contains("rank 1 has been in barrier #1 of the group of ranks 1, 2 for ");
    }

    @ParameterizedTest
    @CsvSource({"both-receive, for a message of rank", "both-send, for rank"})
    void ranks_thatWaitForEachOthersMessages_areNamed(String how, String message) {
        assertThatThrownBy(() -> stuck(2, SHORT, how)).isInstanceOf(IllegalStateException.class)
                .message().matches("hang: rank [01] has waited " + message + " [01].* with tag 7 .*");
    }

    @Test
    void rank_thatHasEnded_isNamedAtOnce() {
        assertThatThrownBy(() -> stuck(3, Worlds.TIMEOUT, "ended")).isInstanceOf(IllegalStateException.class)
                .message().matches("rank 2 has ended, where rank [01] waits for it in barrier #3");
    }

    @Test
    void collective_withALimitOfItsOwn_isTimedHereToo() {
        assertThatThrownBy(() -> Worlds.each(2, world -> {
            if (world.isRoot()) {
                world.within(Duration.ofMillis(200)).barrier();
            }
            new CountDownLatch(1).await();
        })).isInstanceOf(IllegalStateException.class)
                .message()
                .startsWith("hang: rank 1 has not reached barrier #1 within 0.2 s, as rank 0 would have it; ");
    }

    @Test
    void rank_thatSaysItIsAtWork_isWaitedFor() {
        stuck(2, Duration.ofMillis(2500), "long-work");
    }

    private static void stuck(int ranks, Duration timeout, String how) {
        try {
            Worlds.each(ranks, timeout, world -> Stuck.main(new String[]{how}));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void abort_endsAllAndSaysWhy() {
        assertThatThrownBy(() -> Worlds.each(3, world -> {
            if (world.rank() == 1) {
                world.abort(7, "no more disk");
            }
            world.barrier();
        })).isInstanceOf(IllegalStateException.class)
                .hasMessage("rank 1 has ended all ranks with exit code 7: no more disk");
    }

    @Test
    void exit_ofOneRank_letsTheOthersGoOn() {
        assertThat(Worlds.run(3, world -> {
            List<Integer> all = world.allGather(world.rank(), Integer.class);
            if (world.rank() == 1) {
                world.exit(0);
            }
            return world.isRoot() ? world.receive(String.class, 2, 0) : sent(world, all);
        })).containsExactly("[0, 1, 2]", null, "sent");
    }

    private static String sent(World world, List<Integer> all) {
        world.send(all.toString(), String.class, 0, 0);
        return "sent";
    }

    @Test
    void exit_withACode_isThrownOnceAllHaveEnded() {
        AtomicInteger ended = new AtomicInteger();
        assertThatThrownBy(() -> Worlds.each(3, world -> {
            if (world.rank() == 1) {
                world.exit(3);
            }
            ended.incrementAndGet();
        })).isInstanceOf(IllegalStateException.class).hasMessage("rank 1 has ended with exit code 3");
        assertThat(ended).hasValue(2);
    }

    @Test
    void closedWorld_isOverForItsRank() {
        assertThatThrownBy(() -> Worlds.each(2, world -> {
            world.close();
            world.barrier();
        })).isInstanceOf(IllegalStateException.class).hasMessage("the world is closed");
    }

    @Test
    void init_inARanksThread_givesItsWorldOnce() {
        assertThat(Worlds.run(2, world -> {
            World mine = World.init(new String[]{"a"});
            String others = mine.allGather(mine.rank(), Integer.class) + mine.args()[0];
            assertThatThrownBy(() -> World.init(new String[0])).isInstanceOf(IllegalStateException.class);
            world.barrier(); // the same collectives, from wherever they are called
            return others;
        })).containsExactly("[0, 1]a", "[0, 1]a");
    }

    @Test
    void ranks_knowThatTheyShareAHostAndHaveNoGpu() {
        assertThat(Worlds.run(3, world -> world.localRank() + "/" + world.localSize() + " " + world.device()))
                .containsExactly("0/3 cpu", "1/3 cpu", "2/3 cpu");
    }

    @Test
    void values_areNoObjectsOfAnotherRank() {
        List<int[]> arrays = Worlds.run(2, world -> world.ints().broadcast(new int[]{1}, 0));
        assertThat(arrays.get(0)).isEqualTo(arrays.get(1)).isNotSameAs(arrays.get(1));
    }

    @Test
    void runs_inOneAnother_areApart() {
        assertThat(Worlds.run(2, world -> {
            List<Integer> inner = Worlds.run(3, other -> other.allReduce(1, Integer.class, Integer::sum));
            return world.allReduce(inner.get(0), Integer.class, Integer::sum);
        })).containsExactly(6, 6);
    }

    @Test
    void waitingThread_interrupted_endsTheRanks() {
        Thread waiting = Thread.currentThread();
        assertThatThrownBy(() -> Worlds.each(2, world -> {
            if (world.isRoot()) {
                waiting.interrupt();
            }
            world.receive(String.class, 1 - world.rank(), 0);
        })).isInstanceOf(IllegalStateException.class).hasMessage("the thread that waits for the ranks was interrupted");
        assertThat(Thread.interrupted()).isTrue();
    }
}
