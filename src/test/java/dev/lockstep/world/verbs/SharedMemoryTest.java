package dev.lockstep.world.verbs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
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
 * What ranks get through memory that they share is what they get by messages, to the last bit. The ranks are threads here;
 * CollectivesIT and the selftest have processes.
 */
class SharedMemoryTest {
    /** Around what fits in a slot and what every rank combines by itself. */
    private static final int[] LENGTHS = {0, 1, 2, 3, 7, 1023, 1024, 1025, 65_471, 65_537, 270_001};

    /** One rank's collectives over memory and over messages. */
    private record Both(Transport transport, Collectives memory, Collectives messages, Messages send) {}

    private interface Program {
        void run(Both rank) throws Exception;
    }

    private static void run(int size, Program program) throws Exception {
        Object unused = ThreadedRanks.run(size, transport -> {
            SharedMemory memory = SharedMemory.open(transport, Placement.oneHost(size, transport.rank())).orElseThrow();
            Members world = Members.ofWorld(size, transport.rank());
            Members group = new Members(1, world.world(), world.self());
            program.run(new Both(transport, collectives(transport, world, memory), collectives(transport, group, null),
                    new Messages(transport, world, memory, () -> {
                    })));
            return null;
        });
    }

    private static void same(Object actual, Object expected) {
        assertThat(Arrays.deepEquals(new Object[]{plain(actual)}, new Object[]{plain(expected)})).isTrue();
    }

    private static @Nullable Object plain(Object value) {
        return value instanceof List<?> list
                ? list.stream().map(SharedMemoryTest::plain).toArray()
                : value instanceof Optional<?> maybe ? maybe.map(SharedMemoryTest::plain).orElse(null) : value;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 8, 17})
    void arrays_throughMemory_areThoseOfMessages(int size) throws Exception {
        run(size, rank -> {
            int self = rank.transport().rank();
            for (int length : LENGTHS) {
                if (size > 8 && length > 65_471) {
                    continue;
                }
                float[] mine = floats(self * 31 + length, length);
                float[] odd = floats(self, length / (self + 1));
                List<float[]> parts = IntStream.range(0, size).mapToObj(to -> floats(self * 7 + to, length / (to + 1)))
                        .toList();
                for (int root = 0; root < Math.min(size, 5); root++) {
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
                rank.memory().barrier();
            }
        });
        assertThat(left()).isEmpty();
    }

    /** Where there are 64 MiB of such memory, as in many containers, what ended jobs leave must not fill it. */
    @Test
    void run_oneJobAfterTheOther_doesNotKeepTheirMemory() throws Exception {
        for (int job = 0; job < 40; job++) {
            run(4, rank -> rank.memory().barrier());
        }
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            // each job's is one file of 4 MiB, which its four ranks have mapped
            assertThat(maps.filter(line -> line.contains("/lockstep-")).map(line -> line.replaceFirst(".* /", "/"))
                    .distinct().count()).isLessThan(10);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void values_throughMemory_areThoseOfMessages(int size) throws Exception {
        JsonCodec<String> strings = JsonCodec.of(String.class);
        run(size, rank -> {
            int self = rank.transport().rank();
            // some ranks' fit into a slot, others' do not
            for (int length : new int[]{0, 1, 100, 40_000, 130_000, 262_000, 600_000}) {
                String mine = "x".repeat(length / (self + 1)) + self;
                List<String> parts = IntStream.range(0, size).mapToObj(to -> "y".repeat(length / (to + 1)) + self)
                        .toList();
                for (int root = 0; root < size; root++) {
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
                each(rank, by -> by.exscan(mine, strings, String::concat));
            }
        });
    }

    private interface Call {
        @Nullable
        Object of(Collectives collectives);
    }

    private static void each(Both rank, Call call) {
        Object byMemory = call.of(rank.memory());
        Object byMessages = call.of(rank.messages());
        if (byMemory == null || byMessages == null) {
            assertThat(byMemory).isEqualTo(byMessages);
        } else {
            same(byMemory, byMessages);
        }
    }

    @Test
    void longMessages_throughPipes_arriveWhole() throws Exception {
        int tags = 4;
        run(3, rank -> {
            int self = rank.transport().rank();
            int next = (self + 1) % 3;
            int before = (self + 2) % 3;
            for (int length : new int[]{2_000, 16_384, 131_072, 131_073, 1_000_000}) {
                // the first in the pipe, the others beside it; received in another order
                List<java.util.concurrent.CompletableFuture<Long>> sent = new ArrayList<>();
                for (int tag = 0; tag < tags; tag++) {
                    sent.add(rank.send().isend(floats(self + tag, length), ArrayCodec.FLOATS, next, tag));
                }
                for (int tag = tags - 1; tag >= 0; tag--) {
                    same(rank.send().receive(ArrayCodec.FLOATS, before, tag).value(), floats(before + tag, length));
                }
                sent.forEach(Messages::await);
                float[] mine = floats(self, length);
                same(rank.send().sendReceive(mine, ArrayCodec.FLOATS, next, before, 9), floats(before, length));
            }
        });
    }

    @Test
    void ranks_thatGiveArraysOfDifferentLengths_areTold() {
        assertThatThrownBy(() -> run(2, rank -> rank.memory().allReduce(new float[1 + rank.transport().rank()],
                ArrayCodec.FLOATS, SUM))).isInstanceOf(ExecutionException.class)
                        .hasRootCauseInstanceOf(IllegalArgumentException.class).rootCause()
                        .hasMessageContaining("give arrays of the same length on every rank");
    }

    @Test
    void ranks_inDifferentCalls_areTold() {
        assertThatThrownBy(() -> run(2, rank -> {
            rank.memory().barrier();
            if (rank.transport().rank() == 0) {
                rank.memory().barrier();
            } else {
                rank.memory().allReduce(new float[1], ArrayCodec.FLOATS, SUM);
            }
        })).rootCause().hasMessage("rank 0 is in barrier #2, rank 1 in allReduce #2 (floats): "
                + "every rank must call the same collectives in the same order");
    }

    private static List<Path> left() throws IOException {
        String own = "lockstep-" + ProcessHandle.current().pid() + "-";
        try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
            return files.filter(file -> Objects.toString(file.getFileName()).startsWith(own)).toList();
        }
    }
}
