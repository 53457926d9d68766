package dev.lockstep.bench;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;

import com.fasterxml.jackson.core.type.TypeReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.world.Buffers;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/** The built-in {@code selftest}: every collective over every root and a table of awkward values. */
public final class SelftestJob {
    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {
    };
    private static final TypeReference<Map<String, List<Integer>>> MAP = new TypeReference<>() {
    };

    /**
     * Nothing, one, primes; around what fits beside a header (4,080 bytes, the array's length of 4 among them), around
     * 16 KB, where MPJ changes its ways, and beyond the 128 KB that it sends without waiting for the receiver.
     */
    private static final int[] LENGTHS = {0, 1, 2, 3, 7, 1019, 4076, 4077, 4081, 16_383, 16_384, 131_073};
    /** With {@code --large}: five parts, of which the last is not full. */
    private static final int LARGE_BYTES = 65 << 20;

    /** Of the numbers that are combined, by their index. */
    private static final int PERIOD = 4;

    private final World world;
    private boolean failed;

    private SelftestJob(World world) {
        this.world = world;
    }

    /** {@code --large} adds values of 65 MB; exit code 1 when a check fails. */
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            SelftestCommandLine line = new SelftestCommandLine();
            try {
                Optional<String> help = line.check(world.args());
                if (help.isPresent()) {
                    world.print(help.get().stripTrailing());
                    return;
                }
            } catch (UsageException e) {
                world.abort(ExitCode.USAGE.code(), "selftest: " + e.getMessage());
            }
            SelftestJob test = new SelftestJob(world);
            test.all(world, "");
            Group halves = world.group(world.rank() % 2, -world.rank());
            test.all(halves, " in two groups");
            test.check("hosts", () -> RankChecks.hosts(world));
            if (line.isLarge()) {
                test.large();
            }
            if (test.failed) {
                world.exit(ExitCode.FAILED.code());
            }
        }
    }

    private interface Check {
        void run();
    }

    /** One line for all ranks. */
    private void check(String name, Check body) {
        String error = null;
        long start = System.nanoTime();
        try {
            body.run();
        } catch (AssertionError e) {
            error = "rank " + world.rank() + ": " + e.getMessage();
        }
        List<String> errors = world.allGather(error, String.class).stream().filter(Objects::nonNull).toList();
        failed |= !errors.isEmpty();
        world.print(errors.isEmpty()
                ? String.format("ok      %s, %d ms", name, (System.nanoTime() - start) / 1_000_000)
                : "FAILED  " + name + ": " + String.join("; ", errors));
    }

    private void all(Group group, String where) {
        check("barrier" + where, () -> {
            for (int i = 0; i < 10; i++) {
                group.barrier();
            }
        });
        objects(group, "objects" + where);
        MessageChecks messages = new MessageChecks(group);
        check("sendReceive" + where, messages::around);
        check("isend, ireceive" + where, messages::underWay);
        check("receiveAny, probe" + where, messages::ofAnyone);
        check("scan, exscan" + where, messages::scans);
        check("allReduce of numbers, allGatherAll, reduceScatter" + where, messages::whole);
        ArrayChecks arrays = new ArrayChecks(group);
        check("slices" + where, arrays::inPlace);
        check("allToAll and allGather of parts" + where, arrays::parts);
        check("ops" + where, arrays::ops);
        check("minLocated, maxLocated" + where, arrays::located);
        RankChecks ranks = new RankChecks(group);
        check("grid" + where, ranks::grid);
        check("farm" + where, ranks::farm);
        check("begin" + where, ranks::begun);
        check("within" + where, ranks::within);
        arrays(group, group.bytes(), byte.class, "bytes" + where);
        arrays(group, group.ints(), int.class, "ints" + where);
        arrays(group, group.longs(), long.class, "longs" + where);
        arrays(group, group.floats(), float.class, "floats" + where);
        arrays(group, group.doubles(), double.class, "doubles" + where);
    }

    static List<String> awkward() {
        List<String> values = new ArrayList<>(Arrays.asList(null, "é ü 漢字 🙂 \u0000 \" \\ \n", "null"));
        for (int length : LENGTHS) {
            values.add("x".repeat(length));
        }
        return values;
    }

    static @Nullable String of(int rank, @Nullable String value) {
        return value == null ? null : rank + value;
    }

    private static List<String> ofAll(int size, String value) {
        return new ArrayList<>(IntStream.range(0, size).mapToObj(rank -> of(rank, value)).toList());
    }

    private void objects(Group group, String name) {
        int size = group.size();
        int rank = group.rank();
        check("broadcast, scatter, gather of " + name, () -> eachRoot(group, (root, value) -> {
            boolean isRoot = rank == root;
            equal("broadcast", value, group.broadcast(isRoot ? value : "not the root's", String.class, root));
            equal("scatter", of(rank, value), group.scatter(isRoot ? ofAll(size, value) : null, String.class, root));
            Optional<List<String>> gathered = group.gather(of(rank, value), String.class, root);
            equal("gather", isRoot ? Optional.of(ofAll(size, value)) : Optional.empty(), gathered);
        }));
        check("gatherAll, gatherEach of " + name, () -> {
            for (int n : new int[]{0, 1, 2, 3, 5, 7, 1009}) {
                List<String> items = IntStream.range(0, n).mapToObj(i -> i % 5 == 3 ? null : "item " + i)
                        .collect(ArrayList::new, List::add, List::addAll);
                for (int root = 0; root < size; root++) {
                    equal("gatherAll", rank == root ? Optional.of(items) : Optional.empty(),
                            group.gatherAll(group.split(items), String.class, root));
                    List<String> seen = new ArrayList<>();
                    group.gatherEach(group.split(items), String.class, root, seen::add);
                    equal("gatherEach", rank == root ? items : List.of(), seen);
                }
            }
        });
        check("allGather, allToAll of " + name, () -> {
            for (String value : awkward()) {
                equal("allGather", ofAll(size, value), group.allGather(of(rank, value), String.class));
                List<String> values = IntStream.range(0, size).mapToObj(to -> of(rank, of(to, value)))
                        .collect(ArrayList::new, List::add, List::addAll);
                List<String> expected = IntStream.range(0, size).mapToObj(from -> of(from, of(rank, value)))
                        .collect(ArrayList::new, List::add, List::addAll);
                equal("allToAll", expected, group.allToAll(values, String.class));
            }
            equal("allGather of lists", Collections.nCopies(size, List.of("a", "")),
                    group.allGather(List.of("a", ""), STRINGS));
            Map<String, List<Integer>> map = Map.of("primes", List.of(2, 3, 5), "none", List.of());
            equal("broadcast of a map", map, group.broadcast(rank == 0 ? map : null, MAP));
        });
        check("reduce, allReduce of " + name, () -> eachRoot(group, (root, value) -> {
            // joining text is associative and not commutative
            String joined = String.join("", IntStream.range(0, size).mapToObj(r -> of(r, "" + value)).toList());
            Optional<String> reduced = group.reduce(of(rank, "" + value), String.class, String::concat, root);
            equal("reduce", rank == root ? Optional.of(joined) : Optional.empty(), reduced);
            equal("allReduce", joined, group.allReduce(of(rank, "" + value), String.class, String::concat));
        }));
        check("send, receive of " + name, () -> {
            for (String value : awkward()) {
                for (int from = 0; from < size; from++) {
                    for (int to = 0; to < size; to++) {
                        if (from != to && rank == from) {
                            group.send(of(to, value), String.class, to, from);
                        } else if (from != to && rank == to) {
                            equal("receive", of(to, value), group.receive(String.class, from, from));
                        }
                    }
                }
            }
        });
    }

    /** All roots and types; a rank holds what the verb gives it, and makes what it compares that with one by one. */
    private void large() {
        check("broadcast, scatter, gather, allGather of text of 65 MB", () -> {
            String mine = text(world.rank());
            for (int root = 0; root < world.size(); root++) {
                equal("broadcast", text(root), world.broadcast(world.rank() == root ? mine : null, String.class, root));
                world.gather(mine, String.class, root).ifPresent(all -> {
                    for (int rank = 0; rank < world.size(); rank++) {
                        equal("gather", text(rank), all.get(rank));
                    }
                });
            }
        });
        large(world.bytes(), byte.class, Byte.BYTES, "bytes");
        large(world.ints(), int.class, Integer.BYTES, "ints");
        large(world.longs(), long.class, Long.BYTES, "longs");
        large(world.floats(), float.class, Float.BYTES, "floats");
        large(world.doubles(), double.class, Double.BYTES, "doubles");
    }

    private static String text(int rank) {
        return "0123456789abcde".repeat(LARGE_BYTES / 15) + rank;
    }

    private <A> void large(Buffers<A> buffers, Class<?> element, int bytes, String name) {
        int length = LARGE_BYTES / bytes;
        int size = world.size();
        int rank = world.rank();
        check("every verb of " + name + " of 65 MB", () -> {
            A mine = array(element, length, i -> i * 7L + rank);
            for (int root = 0; root < size; root++) {
                int of = root;
                equal("broadcast", array(element, length, i -> i * 7L + of), buffers.broadcast(mine, root));
                List<A> parts = new ArrayList<>();
                for (int to = 0; rank == root && to < size; to++) {
                    int other = to;
                    parts.add(array(element, length, i -> i * 7L + other));
                }
                equal("scatter", mine, buffers.scatter(rank == root ? parts : null, root));
                parts.clear();
                buffers.gather(mine, root).ifPresent(all -> largeOfAll("gather", all, element, length));
            }
            largeOfAll("allGather", buffers.allGather(mine), element, length);
            largeOfAll("allToAll", buffers.allToAll(Collections.nCopies(size, mine)), element, length);
            long[] sums = IntStream.range(0, PERIOD)
                    .mapToLong(i -> IntStream.range(0, size).mapToLong(r -> number(i, r)).sum()).toArray();
            A numbers = array(element, length, i -> number(i, rank));
            equal("allReduce", array(element, length, i -> sums[i % PERIOD]), buffers.allReduce(numbers, Op.SUM));
        });
    }

    private static <A> void largeOfAll(String what, List<A> all, Class<?> element, int length) {
        for (int rank = 0; rank < all.size(); rank++) {
            int of = rank;
            equal(what, array(element, length, i -> i * 7L + of), all.get(rank));
        }
    }

    private interface RootAndValue {
        void run(int root, String value);
    }

    private static void eachRoot(Group group, RootAndValue body) {
        for (int root = 0; root < group.size(); root++) {
            for (String value : awkward()) {
                body.run(root, value);
            }
        }
    }

    private <A> void arrays(Group group, Buffers<A> buffers, Class<?> element, String name) {
        int size = group.size();
        int rank = group.rank();
        check("every verb of " + name, () -> {
            for (int length : LENGTHS) {
                List<A> all = new ArrayList<>();
                for (int r = 0; r < size; r++) {
                    int of = r;
                    all.add(array(element, length + r % 3, i -> i * 7L + of));
                }
                A mine = all.get(rank);
                for (int root = 0; root < size; root++) {
                    A roots = all.get(root);
                    equal("broadcast", roots, buffers.broadcast(rank == root ? roots : null, root));
                    equal("scatter", mine, buffers.scatter(rank == root ? all : null, root));
                    equal("gather", rank == root, buffers.gather(mine, root).map(got -> {
                        equal("gather", all.toArray(), got.toArray());
                        return true;
                    }).orElse(false));
                    A together = array(element, length, i -> i);
                    A part = buffers.scatterAll(rank == root ? together : null, root);
                    equal("scatterAll", group.split(length).length(), Array.getLength(part));
                    buffers.gatherAll(part, root).ifPresent(got -> equal("gatherAll", together, got));
                }
                equal("allGather", all.toArray(), buffers.allGather(mine).toArray());
                List<A> parts = new ArrayList<>();
                for (int to = 0; to < size; to++) {
                    int other = to;
                    parts.add(array(element, length / size, i -> rank * 10L + other));
                }
                List<A> got = buffers.allToAll(parts);
                for (int from = 0; from < size; from++) {
                    int other = from;
                    equal("allToAll", array(element, length / size, i -> other * 10L + rank), got.get(from));
                }
                reductions(group, buffers, element, length);
            }
        });
    }

    /** -2, -1, 1 and 2, whose sums and products are exact in every type; a product with 0 may be -0.0. */
    private static long number(int index, int rank) {
        long number = (index * 7L + rank * 3L) % PERIOD - 2;
        return number < 0 ? number : number + 1;
    }

    private static <A> void reductions(Group group, Buffers<A> buffers, Class<?> element, int length) {
        A mine = array(element, length, i -> number(i, group.rank()));
        for (Op op : List.of(Op.SUM, Op.PROD, Op.MIN, Op.MAX)) { // the others are ArrayChecks'
            long[] pattern = IntStream.range(0, PERIOD).mapToLong(i -> IntStream.range(0, group.size())
                    .mapToLong(r -> number(i, r)).reduce((a, b) -> switch (op) {
                    case SUM -> a + b;
                    case PROD -> a * b;
                    case MIN -> Math.min(a, b);
                    case MAX -> Math.max(a, b);
                    default -> throw new AssertionError(op);
                    }).orElseThrow()).toArray();
            A expected = array(element, length, i -> pattern[i % PERIOD]);
            equal("allReduce " + op, expected, buffers.allReduce(mine, op));
            int root = length % group.size();
            Optional<A> reduced = buffers.reduce(mine, op, root);
            equal("reduce is for the root", group.rank() == root, reduced.isPresent());
            reduced.ifPresent(result -> equal("reduce " + op, expected, result));
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // A is the array of this element
    private static <A> A array(Class<?> element, int length, IntToLongFunction value) {
        Object array = Array.newInstance(element, length);
        if (array instanceof byte[] bytes) {
            for (int i = 0; i < length; i++) {
                bytes[i] = (byte) value.applyAsLong(i);
            }
        } else if (array instanceof int[] ints) {
            Arrays.setAll(ints, i -> (int) value.applyAsLong(i));
        } else if (array instanceof long[] longs) {
            Arrays.setAll(longs, value);
        } else if (array instanceof float[] floats) {
            for (int i = 0; i < length; i++) {
                floats[i] = value.applyAsLong(i);
            }
        } else {
            Arrays.setAll((double[]) array, value::applyAsLong);
        }
        return (A) array;
    }

    static void equal(String what, @Nullable Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError(what + ": expected " + brief(expected) + ", but it was " + brief(actual));
        }
    }

    private static String brief(@Nullable Object value) {
        String text = value != null && value.getClass().isArray()
                ? value.getClass().getSimpleName() + " of " + Array.getLength(value)
                : String.valueOf(value);
        return text.length() > 100 ? text.substring(0, 100) + "..." : text;
    }
}
