package dev.lockstep.bench;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

import dev.lockstep.world.Grid;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.Pending;
import dev.lockstep.world.World;

import static dev.lockstep.bench.SelftestJob.equal;

/** What selftest checks of ranks that are ordered, given tasks, waited for later or not for ever, or that share a host. */
final class RankChecks {
    private static final int LONG = 200_000;

    private final Group group;
    private final int rank;
    private final int size;

    RankChecks(Group group) {
        this.group = group;
        this.rank = group.rank();
        this.size = group.size();
    }

    void grid() {
        for (int count = 1; count <= 3; count++) {
            int[] dimensions = Grid.dimensions(size, count);
            equal("dimensions", size, IntStream.of(dimensions).reduce(1, (a, b) -> a * b));
            boolean[] periodic = new boolean[count];
            periodic[count - 1] = true;
            Grid grid = group.grid(dimensions, periodic);
            equal("rankAt", OptionalInt.of(rank), grid.rankAt(grid.coordinates()));
            for (int dimension = 0; dimension < count; dimension++) {
                for (int by : new int[]{1, -1}) {
                    exchanged(grid, dimension, by, periodic[dimension]);
                }
            }
        }
    }

    private void exchanged(Grid grid, int dimension, int by, boolean periodic) {
        int length = grid.dimensions()[dimension];
        int[] place = grid.coordinates();
        int before = place[dimension] - by;
        place[dimension] = Math.floorMod(before, length);
        boolean there = periodic || before == place[dimension];
        int expected = grid.rankAt(place).getAsInt();
        equal("exchange", there ? Optional.of(expected) : Optional.empty(),
                grid.exchange(group.ints(), new int[]{rank}, dimension, by, 3).map(got -> got[0]));
    }

    void farm() {
        for (int n : new int[]{0, 1, size - 1, 2 * size, 301}) {
            List<String> tasks = IntStream.range(0, n).mapToObj(i -> i % 7 == 3 ? "x".repeat(LONG / 10) + i : "" + i)
                    .toList();
            Optional<List<Integer>> results = group.farm(rank == 0 ? tasks : null, String.class, Integer.class,
                    String::length);
            equal("farm", rank == 0 ? Optional.of(tasks.stream().map(String::length).toList()) : Optional.empty(),
                    results);
        }
        List<String> none = new ArrayList<>(Collections.nCopies(5, null));
        equal("farm of nulls", rank == 0 ? Optional.of(none) : Optional.empty(),
                group.farm(none, String.class, String.class, task -> task));
    }

    /** Begun ones are under way while others are waited for, which they do not meet. */
    void begun() {
        double[] numbers = IntStream.range(0, LONG).mapToDouble(i -> i + rank).toArray();
        Pending<double[]> sum = group.doubles().iallReduce(numbers, Op.SUM);
        Pending<List<Integer>> ranks = group.iallGather(rank, Integer.class);
        Pending<Boolean> barrier = group.ibarrier();
        Pending<String> both = group
                .begin(other -> other.broadcast(rank == size - 1 ? "a" : null, String.class, size - 1)
                        + other.allReduce("" + rank, String.class, String::concat));
        equal("allReduce beside", size, group.allReduce(1, Integer.class, Integer::sum));
        Pending<Optional<List<int[]>>> gathered = group.ints().igather(new int[]{rank}, size - 1);
        equal("begin", "a" + String.join("", IntStream.range(0, size).mapToObj(Integer::toString).toList()),
                both.await());
        equal("ibarrier", true, barrier.await());
        equal("iallGather", IntStream.range(0, size).boxed().toList(), ranks.await());
        double ofRanks = size * (size - 1) / 2.0;
        equal("iallReduce", IntStream.range(0, LONG).mapToDouble(i -> (double) i * size + ofRanks).toArray(),
                sum.await());
        equal("igather", rank == size - 1 ? size : 0, gathered.await().map(List::size).orElse(0));
    }

    void within() {
        Group soon = group.within(Duration.ofMinutes(1));
        soon.barrier();
        equal("allReduce within", size, soon.allReduce(1, Integer.class, Integer::sum));
        equal("begun within", size, soon.begin(other -> other.allReduce(1, Integer.class, Integer::sum)).await());
        if (size == 1) {
            return;
        }
        int next = (rank + 1) % size;
        int before = (rank + size - 1) % size;
        try {
            group.within(Duration.ofMillis(20)).receive(String.class, before, 9);
            throw new AssertionError("receive of what nobody has sent has not ended");
        } catch (Group.TimeoutException e) {
            equal("the sentence names the tag", true,
                    Objects.toString(e.getMessage()).contains(" with tag 9 for 0.02 s"));
        }
        group.barrier();
        byte[] large = new byte[LONG * 10];
        try {
            group.within(Duration.ofMillis(20)).bytes().send(large, next, 9);
            throw new AssertionError("send of what nobody receives has not ended");
        } catch (Group.TimeoutException e) {
            equal("the sentence names the tag", true,
                    Objects.toString(e.getMessage()).contains(" with tag 9 for 0.02 s"));
        }
        group.barrier();
        equal("what was not taken in time", large, soon.bytes().receive(before, 9));
        equal("sendReceive within", "of " + before, soon.sendReceive("of " + rank, String.class, next, before, 9));
    }

    static void hosts(World world) {
        equal("ranks of this host", world.localSize(), world.hosts().here().size());
        equal("rank on this host", world.localRank(), world.hosts().here().rank());
        equal("leaders", world.localRank() == 0, world.hosts().leaders().isPresent());
        for (int length : new int[]{0, 1, 3_000_001}) {
            ByteBuffer shared = world.hosts().share(length, bytes -> {
                for (int i = 0; i < length; i++) {
                    bytes.put(i, (byte) (i * 7));
                }
            });
            equal("length", length, shared.remaining());
            for (int i = 0; i < length; i++) {
                if (shared.get(i) != (byte) (i * 7)) {
                    throw new AssertionError("byte " + i + " of what is shared is " + shared.get(i));
                }
            }
        }
    }
}
