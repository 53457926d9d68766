package dev.lockstep.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongBinaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import dev.lockstep.world.Buffers;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.Received;
import dev.lockstep.world.Slice;
import dev.lockstep.world.Status;

import static dev.lockstep.bench.SelftestJob.equal;

/** What selftest checks of arrays that ranks have already, of parts of them, and of ways to combine them. */
final class ArrayChecks {
    private static final int[] LENGTHS = {0, 1, 7, 1009, 100_003};

    private final Group group;
    private final int rank;
    private final int size;

    ArrayChecks(Group group) {
        this.group = group;
        this.rank = group.rank();
        this.size = group.size();
    }

    private static double[] numbers(int length, int of) {
        return IntStream.range(0, length).mapToDouble(i -> i % 97 - of).toArray();
    }

    /** Of numbers with one more before and two after them, which stay. */
    private static double[] framed(double... numbers) {
        double[] framed = new double[numbers.length + 3];
        Arrays.fill(framed, -0.5);
        System.arraycopy(numbers, 0, framed, 1, numbers.length);
        return framed;
    }

    void inPlace() {
        for (int length : LENGTHS) {
            double[] mine = framed(numbers(length, rank));
            Slice<double[]> slice = Slice.of(mine, 1, length);
            Buffers<double[]> doubles = group.doubles();
            for (int root = 0; root < size; root++) {
                double[] room = rank == root ? mine : framed(new double[length + 1]);
                Slice<double[]> got = doubles.broadcast(Slice.of(room, 1, length + (rank == root ? 0 : 1)), root);
                equal("broadcast into a slice", new Slice<>(room, 1, length), got);
                equal("broadcast into a slice", numbers(length, root), Arrays.copyOfRange(room, 1, length + 1));
                doubles.reduce(slice, Op.MAX, root);
                equal("reduce in place", framed(numbers(length, rank == root ? 0 : rank)), mine);
                System.arraycopy(numbers(length, rank), 0, mine, 1, length);
            }
            doubles.scan(slice, Op.MIN);
            equal("scan in place", framed(numbers(length, rank)), mine);
            doubles.allReduce(slice, Op.MAX);
            equal("allReduce in place", framed(numbers(length, 0)), mine);
            sent(length);
        }
    }

    private void sent(int length) {
        if (rank == 0) {
            for (int to = 1; to < size; to++) {
                group.doubles().send(Slice.of(framed(numbers(length, to)), 1, length), to, 5);
            }
        } else {
            double[] room = new double[length + 2];
            Received<Slice<double[]>> got = group.doubles().receiveAny(Slice.of(room, 1, length + 1), Group.ANY, 5);
            equal("receive into a slice", new Slice<>(room, 1, length), got.value());
            equal("its status", new Status(0, 5, 8L * length), got.status());
            equal("receive into a slice", numbers(length, rank), Arrays.copyOfRange(room, 1, length + 1));
        }
    }

    void parts() {
        for (int length : LENGTHS) {
            int[] counts = IntStream.range(0, size).map(to -> length / size + (to + rank) % 3).toArray();
            long[] all = IntStream.range(0, size).boxed().flatMapToLong(to -> LongStream.range(0, counts[to])
                    .map(i -> 1_000_000L * rank + 1000L * to + i)).toArray();
            Buffers.Parts<long[]> got = group.longs().allToAll(new Buffers.Parts<>(all, counts));
            int[] others = IntStream.range(0, size).map(from -> length / size + (rank + from) % 3).toArray();
            equal("allToAll of parts: counts", others, got.counts());
            equal("allToAll of parts", IntStream.range(0, size).boxed().flatMapToLong(from -> LongStream
                    .range(0, others[from]).map(i -> 1_000_000L * from + 1000L * rank + i)).toArray(), got.all());
            Buffers.Parts<long[]> gathered = group.longs().allGatherParts(LongStream.range(0, length + rank).toArray());
            equal("allGatherParts: counts", IntStream.range(0, size).map(from -> length + from).toArray(),
                    gathered.counts());
            equal("allGatherParts", IntStream.range(0, size).boxed()
                    .flatMapToLong(from -> LongStream.range(0, length + from)).toArray(), gathered.all());
        }
    }

    void ops() {
        long[] mine = {rank, rank + 1, 0, ~rank, 1L << rank % 60};
        bits(Op.LAND, mine, (a, b) -> a != 0 && b != 0 ? 1 : 0);
        bits(Op.LOR, mine, (a, b) -> a != 0 || b != 0 ? 1 : 0);
        bits(Op.LXOR, mine, (a, b) -> (a != 0) != (b != 0) ? 1 : 0);
        bits(Op.BAND, mine, (a, b) -> a & b);
        bits(Op.BOR, mine, (a, b) -> a | b);
        bits(Op.BXOR, mine, (a, b) -> a ^ b);
        float[] halves = {rank, 0.5f};
        equal("allReduce AVG", new float[]{(size - 1) / 2f, 0.5f}, group.floats().allReduce(halves, Op.AVG));
        equal("scan AVG", new float[]{rank / 2f, 0.5f}, group.floats().scan(halves, Op.AVG));
        equal("a mean leaves what it is given", new float[]{rank, 0.5f}, halves);
        equal("allReduce AVG", (size - 1) / 2.0, group.allReduce((double) rank, Op.AVG));
        for (Runnable wrong : List.<Runnable>of(() -> group.ints().allReduce(new int[1], Op.AVG),
                () -> group.doubles().allReduce(new double[1], Op.BXOR))) {
            try {
                wrong.run();
                throw new AssertionError("an op for other numbers was not refused");
            } catch (IllegalArgumentException e) {
                equal("the sentence names the op", true, String.valueOf(e.getMessage()).startsWith("Op."));
            }
        }
        // sorted lists into one, which is longer than each
        int[] merged = group.ints().allReduce(new int[]{rank, rank + size}, ArrayChecks::merged);
        equal("allReduce with an op of one's own", IntStream.range(0, 2 * size).toArray(), merged);
        equal("reduce with an op of one's own", rank == size - 1 ? Optional.of(2 * size) : Optional.empty(),
                group.ints().reduce(new int[]{rank, rank + size}, ArrayChecks::merged, size - 1)
                        .map(all -> all.length));
        equal("scan with an op of one's own", 2 * (rank + 1),
                group.ints().scan(new int[]{rank, rank + size}, ArrayChecks::merged).length);
    }

    private static int[] merged(int[] first, int[] second) {
        return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).sorted().toArray();
    }

    private void bits(Op op, long[] mine, LongBinaryOperator function) {
        long[] expected = mine.clone();
        for (int i = 0; i < expected.length; i++) {
            int at = i;
            expected[i] = LongStream.range(0, size)
                    .map(r -> new long[]{r, r + 1, 0, ~r, 1L << r % 60}[at]).reduce(function).orElseThrow();
        }
        if (size == 1) {
            // nothing is combined
            expected = mine;
        }
        equal("allReduce " + op, expected, group.longs().allReduce(mine, op));
        equal("allReduce of ints " + op, Arrays.stream(expected).limit(4).mapToInt(each -> (int) each).toArray(),
                group.ints().allReduce(Arrays.stream(mine).limit(4).mapToInt(each -> (int) each).toArray(), op));
    }

    void located() {
        equal("minLocated", new Group.Located<>(-1.0, size / 2), group.minLocated(rank >= size / 2 ? -1.0 : rank));
        equal("maxLocated", new Group.Located<>(size - 1L, size - 1), group.maxLocated((long) rank));
        equal("maxLocated of NaN", new Group.Located<>(Double.NaN, size - 1),
                group.maxLocated(rank == size - 1 ? Double.NaN : 5));
        double[] mine = {rank, -rank, 0, rank % 2};
        Group.LocatedAll<double[]> most = group.doubles().maxLocated(mine);
        equal("maxLocated", new double[]{size - 1, 0, 0, size > 1 ? 1 : 0}, most.values());
        equal("maxLocated: ranks", new int[]{size - 1, 0, 0, size > 1 ? 1 : 0}, most.ranks());
    }
}
