package dev.lockstep.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.Pending;
import dev.lockstep.world.Received;
import dev.lockstep.world.Status;

/** What selftest checks of messages that are under way together, and of values that are combined from rank to rank. */
final class MessageChecks {
    /** Longer than what is sent at once. */
    private static final int LONG = 3_000_000;
    private static final int TAGS = 3;
    private static final int EACH = 4;

    private final Group group;
    private final int rank;
    private final int size;
    private final int next;
    private final int before;

    MessageChecks(Group group) {
        this.group = group;
        this.rank = group.rank();
        this.size = group.size();
        this.next = (rank + 1) % size;
        this.before = (rank - 1 + size) % size;
    }

    /** All send before they receive. */
    void around() {
        for (String value : size == 1 ? List.<String>of() : SelftestJob.awkward()) {
            SelftestJob.equal("sendReceive", SelftestJob.of(before, value),
                    group.sendReceive(SelftestJob.of(rank, value), String.class, next, before, 1));
        }
        if (size > 1) {
            String mine = "x".repeat(LONG) + rank;
            SelftestJob.equal("sendReceive of long text", "x".repeat(LONG) + before,
                    group.sendReceive(mine, String.class, next, before, 1));
            double[] numbers = IntStream.range(0, LONG / 4).mapToDouble(i -> i + rank).toArray();
            SelftestJob.equal("sendReceive of doubles",
                    IntStream.range(0, LONG / 4).mapToDouble(i -> i + before).toArray(),
                    group.doubles().sendReceive(numbers, next, before, 2));
        }
    }

    /** Several with each tag, short and long by turns, which arrive in order, while other tags overtake them. */
    void underWay() {
        if (size == 1) {
            return;
        }
        List<Pending<String>> received = new ArrayList<>();
        for (int i = 0; i < TAGS * EACH; i++) {
            received.add(group.ireceive(String.class, before, i % TAGS));
        }
        List<Pending<Long>> sent = new ArrayList<>();
        for (int tag = TAGS - 1; tag >= 0; tag--) {
            for (int i = 0; i < EACH; i++) {
                sent.add(group.isend(text(rank, tag, i), String.class, next, tag));
            }
        }
        int first = Pending.awaitAny(received);
        SelftestJob.equal("awaitAny", true, received.get(first).isDone());
        List<String> all = Pending.awaitAll(received);
        for (int i = 0; i < all.size(); i++) {
            SelftestJob.equal("ireceive", text(before, i % TAGS, i / TAGS), all.get(i));
        }
        Pending.awaitAll(sent);
        // one after others with the same tag, and an array that is changed at once
        double[] numbers = {rank, 1};
        Pending<Long> array = group.doubles().isend(numbers, next, 0);
        numbers[1] = 2;
        Pending<Long> other = group.doubles().isend(numbers, next, 0);
        SelftestJob.equal("isend", new double[]{before, 1}, group.doubles().ireceive(before, 0).await());
        SelftestJob.equal("isend", new double[]{before, 2}, group.doubles().receive(before, 0));
        array.await();
        other.await();
    }

    /** Rank 0 receives what comes first, of whomever and with whatever tag; each rank's own come in order. */
    void ofAnyone() {
        if (size == 1) {
            return;
        }
        int all = TAGS * EACH;
        for (int i = 0; rank > 0 && i < all; i++) {
            group.send(text(rank, i % TAGS, i), String.class, 0, i % TAGS);
        }
        int[] seen = new int[size];
        for (int i = 0; rank == 0 && i < all * (size - 1); i++) {
            Status next = group.awaitMessage(Group.ANY, Group.ANY);
            SelftestJob.equal("probe of a rank", Optional.of(next), group.probe(next.rank(), next.tag()));
            Received<String> received = i % 2 == 0
                    ? group.receiveAny(String.class, Group.ANY, Group.ANY)
                    : group.ireceiveAny(String.class, next.rank(), Group.ANY).await();
            int from = received.status().rank();
            int number = seen[from]++;
            SelftestJob.equal("receiveAny", text(from, number % TAGS, number), received.value());
            SelftestJob.equal("its tag", number % TAGS, received.status().tag());
            SelftestJob.equal("what awaitMessage has found", next, received.status());
        }
        group.barrier();
        SelftestJob.equal("probe where nothing comes", Optional.empty(), group.probe(Group.ANY, Group.ANY));
        group.barrier();
        double[] numbers = IntStream.range(0, 1 + rank * LONG / 16).mapToDouble(i -> i - rank).toArray();
        for (int root = 0; root < size; root++) {
            if (rank != root) {
                group.doubles().send(numbers, root, TAGS);
            }
            for (int i = 0; rank == root && i < size - 1; i++) {
                Received<double[]> received = group.doubles().receiveAny(Group.ANY, TAGS);
                int from = received.status().rank();
                SelftestJob.equal("receiveAny of doubles", IntStream.range(0, 1 + from * LONG / 16)
                        .mapToDouble(value -> value - from).toArray(), received.value());
                SelftestJob.equal("its status", new Status(from, TAGS, 8L * (1 + from * (LONG / 16L))),
                        received.status());
            }
            group.barrier();
        }
    }

    private static String text(int from, int tag, int which) {
        return (which % 2 == 0 ? "y".repeat(LONG / 10) : "") + from + " " + tag + " " + which;
    }

    /** Joining text is associative and not commutative. */
    void scans() {
        for (String value : SelftestJob.awkward()) {
            String mine = SelftestJob.of(rank, "" + value);
            String upTo = joined(rank, value);
            SelftestJob.equal("scan", upTo + mine, group.scan(mine, String.class, String::concat));
            SelftestJob.equal("exscan", rank == 0 ? Optional.empty() : Optional.of(upTo),
                    group.exscan(mine, String.class, String::concat));
        }
        long[] mine = {rank + 1, 10};
        SelftestJob.equal("scan", new long[]{(rank + 1L) * (rank + 2) / 2, 10L * (rank + 1)},
                group.longs().scan(mine, Op.SUM));
        SelftestJob.equal("exscan", rank > 0, group.longs().exscan(mine, Op.SUM).map(sum -> {
            SelftestJob.equal("exscan", new long[]{rank * (rank + 1L) / 2, 10L * rank}, sum);
            return true;
        }).orElse(false));
        SelftestJob.equal("a scan leaves what it is given", new long[]{rank + 1, 10}, mine);
    }

    private static String joined(int ranks, String value) {
        return String.join("", IntStream.range(0, ranks).mapToObj(r -> "" + SelftestJob.of(r, "" + value)).toList());
    }

    void whole() {
        SelftestJob.equal("allReduce of a number", 0.5 * size * size,
                group.allReduce(rank + 0.5, Op.SUM));
        SelftestJob.equal("allReduce of a whole number", (long) size - 1, group.allReduce(rank, Op.MAX));
        for (int length : new int[]{0, 1, 7, 1009}) {
            int[] part = IntStream.range(0, length + rank).map(i -> i * rank).toArray();
            int[] all = IntStream.range(0, size).flatMap(r -> IntStream.range(0, length + r).map(i -> i * r)).toArray();
            SelftestJob.equal("allGatherAll", all, group.ints().allGatherAll(part));
            long[] numbers = IntStream.range(0, length).mapToLong(i -> i * (rank + 1L)).toArray();
            long ranks = size * (size + 1L) / 2;
            SelftestJob.equal("reduceScatter", IntStream.range(group.split(length).start(), group.split(length).end())
                    .mapToLong(i -> i * ranks).toArray(), group.longs().reduceScatter(numbers, Op.SUM));
        }
    }
}
