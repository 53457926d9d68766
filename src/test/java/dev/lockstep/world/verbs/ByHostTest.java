package dev.lockstep.world.verbs;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.world.transport.Placement;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;

import static dev.lockstep.world.verbs.ThreadedRanks.SUM;
import static dev.lockstep.world.verbs.ThreadedRanks.collectives;
import static dev.lockstep.world.verbs.ThreadedRanks.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * What ranks on several hosts get host by host is what they get by messages from rank to rank, to the last bit, however they
 * are spread; and how many messages go between hosts. The ranks are threads here, the letters of a spread their hosts; SshIT
 * has processes and a network.
 */
class ByHostTest {
    private static final int[] LENGTHS = {0, 1, 3, 1025, 20_000, 270_001};

    /** What has gone to ranks of other hosts. */
    private record Counts(AtomicInteger messages, AtomicLong bytes) {
        Counts() {
            this(new AtomicInteger(), new AtomicLong());
        }
    }

    private record Counting(Transport to, Placement placement, Counts counts) implements Transport {
        @Override
        public void send(byte[] bytes, int offset, int length, int rank, int tag) {
            if (!placement.isHere(rank)) {
                counts.messages.incrementAndGet();
                counts.bytes.addAndGet(length);
            }
            to.send(bytes, offset, length, rank, tag);
        }

        @Override
        public int receive(byte[] bytes, int offset, int length, int from, int tag) {
            return to.receive(bytes, offset, length, from, tag);
        }

        @Override
        public boolean isThere(int tag) {
            return to.isThere(tag);
        }

        @Override
        public int rank() {
            return to.rank();
        }

        @Override
        public int size() {
            return to.size();
        }

        @Override
        public void finish() {
            to.finish();
        }
    }

    /** One rank's collectives host by host and rank by rank. */
    private record Both(int rank, int size, Collectives hosts, Collectives ranks) {}

    private interface Program {
        @Nullable
        Object run(Both rank) throws Exception;
    }

    private static void run(String spread, Program program) throws Exception {
        Object unused = run(spread, new Counts(), new Counts(), program);
    }

    private static List<@Nullable Object> run(String spread, Counts byHost, Counts byRank, Program program)
            throws Exception {
        int size = spread.length();
        return ThreadedRanks.run(size, transport -> {
            int rank = transport.rank();
            Placement placement = Placement.exchange(transport, spread.substring(rank, rank + 1));
            SharedMemory memory = SharedMemory.open(transport, placement).orElseThrow();
            Members world = Members.ofWorld(size, rank);
            return program.run(new Both(rank, size,
                    collectives(new Counting(transport, placement, byHost), world, memory),
                    collectives(new Counting(transport, placement, byRank), new Members(1, world.world(), rank),
                            null)));
        });
    }

    private interface Call {
        @Nullable
        Object of(Collectives collectives);
    }

    private static void each(Both rank, Call call) {
        assertThat(
                Arrays.deepEquals(new Object[]{plain(call.of(rank.hosts))}, new Object[]{plain(call.of(rank.ranks))}))
                        .isTrue();
    }

    private static @Nullable Object plain(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(ByHostTest::plain).toArray()
                : value instanceof Optional<?> maybe ? maybe.map(ByHostTest::plain).orElse(null) : value;
    }

    @ParameterizedTest
    @ValueSource(strings = {"aabb", "ababab", "aaab", "abbb", "aabbcc", "aaaaabc", "abcabca", "aaabbbbcc", "aabab",
            "aaaabbbbccccdddd"})
    void arrays_hostByHost_areThoseOfMessages(String spread) throws Exception {
        run(spread, rank -> {
            int self = rank.rank();
            for (int length : LENGTHS) {
                float[] mine = floats(self * 31 + length, length);
                float[] odd = floats(self, length / (self + 1));
                List<float[]> parts = IntStream.range(0, rank.size())
                        .mapToObj(to -> floats(self * 7 + to, length / (to + 1))).toList();
                for (int root = 0; root < Math.min(rank.size(), 5); root++) {
                    int from = root;
                    each(rank, by -> by.broadcast(self == from ? mine : null, ArrayCodec.FLOATS, from));
                    each(rank, by -> by.scatter(self == from ? parts : null, ArrayCodec.FLOATS, from));
                    each(rank, by -> by.gather(odd, ArrayCodec.FLOATS, from));
                    each(rank, by -> by.reduce(mine, ArrayCodec.FLOATS, SUM, from));
                }
                each(rank, by -> by.allGather(odd, ArrayCodec.FLOATS, Verb.ALL_GATHER));
                each(rank, by -> by.allToAll(parts, ArrayCodec.FLOATS));
                each(rank, by -> by.allReduce(mine, ArrayCodec.FLOATS, SUM));
                each(rank, by -> by.reduceScatter(mine, ArrayCodec.FLOATS, SUM));
                each(rank, by -> by.scan(mine, ArrayCodec.FLOATS, SUM));
                each(rank, by -> by.exscan(mine, ArrayCodec.FLOATS, SUM));
                rank.hosts.barrier();
            }
            return null;
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"aabb", "abab", "aabc", "aaabb"})
    void values_hostByHost_areThoseOfMessages(String spread) throws Exception {
        JsonCodec<String> strings = JsonCodec.of(String.class);
        run(spread, rank -> {
            int self = rank.rank();
            // some ranks' are small, others' are not
            for (int length : new int[]{0, 1, 100, 65_500, 130_000, 2_000_000}) {
                String mine = "x".repeat(length / (self + 1)) + self;
                List<String> parts = IntStream.range(0, rank.size())
                        .mapToObj(to -> "y".repeat(length / (to + 1)) + self).toList();
                for (int root = 0; root < rank.size(); root++) {
                    int from = root;
                    each(rank, by -> by.broadcast(self == from ? mine : null, strings, from));
                    each(rank, by -> by.scatter(self == from ? parts : null, strings, from));
                    each(rank, by -> by.gather(mine, strings, from));
                    each(rank, by -> by.reduce(mine, strings, String::concat, from));
                }
                each(rank, by -> by.allGather(mine, strings, Verb.ALL_GATHER));
                each(rank, by -> by.allToAll(parts, strings));
                each(rank, by -> by.allReduce(mine, strings, String::concat));
                each(rank, by -> by.scan(mine, strings, String::concat));
                rank.hosts.barrier();
            }
            return null;
        });
    }

    /** One barrier after another, with a number that all have raised before each: nobody is let through early. */
    @ParameterizedTest
    @ValueSource(strings = {"aabb", "abab", "aaabc", "abcd" + "a"})
    void barrier_letsNobodyThroughBeforeAllHaveCome(String spread) throws Exception {
        AtomicInteger come = new AtomicInteger();
        run(spread, rank -> {
            for (int round = 1; round <= 200; round++) {
                come.incrementAndGet();
                rank.hosts.barrier();
                assertThat(come.get()).isGreaterThanOrEqualTo(round * rank.size());
                rank.hosts.barrier();
            }
            return null;
        });
    }

    @Test
    void sum_isTheSameHoweverRanksAreSpread() throws Exception {
        for (int length : new int[]{5, 5_000, 400_000}) {
            List<float[]> sums = Stream.of("aaabbb", "ababab", "abbbbb", "aabbcc", "aaaaab").map(spread -> {
                try {
                    return (float[]) run(spread, new Counts(), new Counts(), rank -> rank.hosts
                            .allReduce(floats(rank.rank(), length), ArrayCodec.FLOATS, SUM)).get(3);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }).toList();
            for (float[] sum : sums) {
                assertThat(sum).isEqualTo(sums.get(0));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"aaaabbbb", "abababab", "aaabbbcc", "aaaabbbbccccdddd"})
    void messagesBetweenHosts_areFewerThanRankByRank(String spread) throws Exception {
        int hosts = (int) spread.chars().distinct().count();
        int up = hosts - 1;
        // 1,000 and a million floats; of the latter three messages are one part with its header
        assertThat(count(spread, by -> {
            by.barrier();
            return null;
        })).isEqualTo(hosts * (32 - Integer.numberOfLeadingZeros(hosts - 1)));
        assertThat(count(spread, by -> by.broadcast(new float[10], ArrayCodec.FLOATS, 0))).isEqualTo(up);
        assertThat(count(spread, by -> by.gather(new float[10], ArrayCodec.FLOATS, 0))).isEqualTo(up);
        assertThat(count(spread, by -> by.allGather(new float[10], ArrayCodec.FLOATS, Verb.ALL_GATHER)))
                .isEqualTo(hosts * up);
        assertThat(count(spread, by -> by.allReduce(new float[10], ArrayCodec.FLOATS, SUM))).isEqualTo(2 * up);
        assertThat(count(spread, by -> by.allReduce(new float[1_000_000], ArrayCodec.FLOATS, SUM))).isPositive();
    }

    /** Messages between hosts of one call, with a line of how many there are rank by rank. */
    private static int count(String spread, Call call) throws Exception {
        Counts byHost = new Counts();
        Counts byRank = new Counts();
        Object unused = run(spread, byHost, byRank, rank -> {
            each(rank, call);
            return null;
        });
        System.out.println(spread + ": " + byRank.messages + " messages of " + byRank.bytes
                + " bytes between hosts rank by rank, " + byHost.messages + " of " + byHost.bytes + " host by host");
        assertThat(byHost.messages.get()).isLessThanOrEqualTo(byRank.messages.get());
        return byHost.messages.get();
    }

    @Test
    void ranks_inDifferentCalls_areTold() {
        assertThatThrownBy(() -> run("aabb", rank -> {
            rank.hosts.barrier();
            if (rank.rank() < 2) {
                rank.hosts.barrier();
            } else {
                Object unused = rank.hosts.allReduce(new float[1], ArrayCodec.FLOATS, SUM);
            }
            return null;
        })).isInstanceOf(ExecutionException.class).rootCause()
                .hasMessage("rank 0 is in barrier #2, rank 2 in allReduce #2 (floats): "
                        + "every rank must call the same collectives in the same order");
    }
}
