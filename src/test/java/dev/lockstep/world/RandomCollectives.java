package dev.lockstep.world;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

import com.fasterxml.jackson.core.type.TypeReference;

/**
 * The program of src/test/soak/collectives.sh: collectives, roots, sizes, types and groups at random, the same on every
 * rank by a shared seed, and every rank checks what it receives. Once in a while rank 0 prints what every rank holds.
 */
public final class RandomCollectives {
    record Item(int index, String text, List<Integer> ids, Double score) {
        static Item of(int index, int key) {
            return new Item(index, "é ".repeat(index % 40) + key, List.of(index, key), index % 3 == 0 ? null : 0.5);
        }
    }

    private static final TypeReference<List<Item>> ITEMS = new TypeReference<>() {
    };
    private static final int MOST_NUMBERS = 2_500_000; // as doubles more than one part
    private static final int MOST_ITEMS = 20_000;
    private static final int ROUNDS = 100; // between two looks at the clock

    private final World world;
    private final Random random;
    private Group group;
    private int key; // what makes the values of one round its own
    private long elements;

    private RandomCollectives(World world, long seed) {
        this.world = world;
        this.random = new Random(seed);
        this.group = world;
    }

    /** The arguments are for how many seconds, and the seed. */
    public static void main(String[] args) throws IOException {
        try (World world = World.init(args)) {
            new RandomCollectives(world, Long.parseLong(args[1])).run(Integer.parseInt(args[0]));
        }
    }

    private void run(int seconds) throws IOException {
        long start = System.nanoTime();
        int reported = -1;
        world.print("    s   rounds  10^6 elements    resident MB, heap MB after its last collection, by rank");
        for (int rounds = 0;; rounds += ROUNDS) {
            int now = world.broadcast((int) ((System.nanoTime() - start) / 1_000_000_000), Integer.class);
            if (now / 10 > reported || now >= seconds) {
                reported = now / 10;
                String line = String.format(Locale.ROOT, "%5d %8d %14.0f   ", now, rounds, elements / 1e6);
                world.gather(memory(), String.class).ifPresent(all -> System.out.println(line + String.join(" ", all)));
            }
            if (now >= seconds) {
                world.print("no error in " + rounds + " rounds");
                return;
            }
            for (int i = 0; i < ROUNDS; i++) {
                round();
            }
        }
    }

    private void round() {
        key = random.nextInt(1 << 20);
        if (random.nextInt(50) == 0) {
            int[] colours = random.ints(world.size(), 0, 3).toArray();
            int[] keys = random.ints(world.size(), 0, 5).toArray();
            group = world.group(colours[world.rank()], keys[world.rank()]);
        }
        Group where = random.nextBoolean() ? world : group;
        int root = random.nextInt(1 << 16) % where.size();
        int most = random.nextBoolean() ? MOST_NUMBERS : 5000;
        int length = (int) Math.pow(most, random.nextDouble()) - 1;
        elements += length;
        int verb = random.nextInt(9);
        switch (random.nextInt(6)) {
            case 0 -> numbers(where, where.bytes(), verb, root, length, RandomCollectives::bytes);
            case 1 -> numbers(where, where.ints(), verb, root, length, RandomCollectives::ints);
            case 2 -> numbers(where, where.longs(), verb, root, length, long[]::clone);
            case 3 -> numbers(where, where.floats(), verb, root, length, RandomCollectives::floats);
            case 4 -> numbers(where, where.doubles(), verb, root, length, RandomCollectives::doubles);
            default -> items(where, verb, root, length % MOST_ITEMS);
        }
    }

    private interface Of<A> {
        A array(long[] numbers);
    }

    private <A> void numbers(Group where, Buffers<A> buffers, int verb, int root, int length, Of<A> of) {
        int rank = where.rank();
        int size = where.size();
        // lengths differ by rank where they may
        A mine = of.array(drawn(length + rank, rank));
        switch (verb) {
            case 0 -> same(of.array(drawn(length + root, root)), buffers.broadcast(rank == root ? mine : null, root));
            case 1 -> {
                List<A> parts = rank == root ? all(size, length, of) : null;
                same(mine, buffers.scatter(parts, root));
            }
            case 2 -> {
                boolean present = buffers.gather(mine, root).map(all -> sameAll(all, length, of)).orElse(false);
                same(rank == root, present);
            }
            case 3 -> sameAll(buffers.allGather(mine), length, of);
            case 4 -> {
                List<A> parts = new ArrayList<>();
                for (int to = 0; to < size; to++) {
                    parts.add(of.array(drawn(length / size, rank * size + to)));
                }
                List<A> got = buffers.allToAll(parts);
                for (int from = 0; from < size; from++) {
                    same(of.array(drawn(length / size, from * size + rank)), got.get(from));
                }
            }
            case 5 -> {
                Op op = Op.values()[key & 3];
                boolean present = buffers.reduce(of.array(drawn(length, rank)), op, root)
                        .map(got -> same(of.array(combined(size, length, op)), got)).orElse(false);
                same(rank == root, present);
            }
            case 6 -> {
                Op op = Op.values()[key & 3];
                same(of.array(combined(size, length, op)), buffers.allReduce(of.array(drawn(length, rank)), op));
            }
            case 7 -> {
                int tag = key & 0xffff;
                if (rank == root && size > 1) {
                    buffers.send(mine, (root + 1) % size, tag);
                } else if (rank == (root + 1) % size && size > 1) {
                    same(of.array(drawn(length + root, root)), buffers.receive(root, tag));
                }
            }
            default -> where.barrier();
        }
    }

    private void items(Group where, int verb, int root, int length) {
        int rank = where.rank();
        int size = where.size();
        List<Item> mine = drawnItems(length, rank);
        List<Item> everyones = new ArrayList<>();
        for (int from = 0; from < size; from++) {
            everyones.addAll(drawnItems(length, from));
        }
        switch (verb) {
            case 0, 1 -> same(drawnItems(length, root), where.broadcast(rank == root ? mine : null, ITEMS, root));
            case 2, 3 -> {
                boolean present = where.gatherAll(mine, Item.class, root).map(all -> same(everyones, all))
                        .orElse(false);
                same(rank == root, present);
            }
            case 4, 5 -> {
                List<Item> seen = new ArrayList<>();
                where.gatherEach(mine, Item.class, root, seen::add);
                same(rank == root ? everyones : List.of(), seen);
            }
            default -> same(everyones, where.allGather(mine, ITEMS).stream().flatMap(List::stream).toList());
        }
    }

    /** 0 to 3, whose sums and products are exact in every type. */
    private long[] drawn(int length, int rank) {
        return IntStream.range(0, length).mapToLong(i -> (i * 0x9E3779B1L + key * 31L + rank * 7L) >>> 13 & 3)
                .toArray();
    }

    private long[] combined(int size, int length, Op op) {
        long[] result = drawn(length, 0);
        for (int rank = 1; rank < size; rank++) {
            long[] other = drawn(length, rank);
            for (int i = 0; i < length; i++) {
                result[i] = switch (op) {
                    case SUM -> result[i] + other[i];
                    case PROD -> result[i] * other[i];
                    case MIN -> Math.min(result[i], other[i]);
                    case MAX -> Math.max(result[i], other[i]);
                };
            }
        }
        return result;
    }

    private <A> List<A> all(int size, int length, Of<A> of) {
        return IntStream.range(0, size).mapToObj(rank -> of.array(drawn(length + rank, rank))).toList();
    }

    private <A> boolean sameAll(List<A> got, int length, Of<A> of) {
        for (int rank = 0; rank < got.size(); rank++) {
            same(of.array(drawn(length + rank, rank)), got.get(rank));
        }
        return true;
    }

    private List<Item> drawnItems(int length, int rank) {
        return IntStream.range(0, length).mapToObj(i -> Item.of(i, key + rank)).toList();
    }

    private boolean same(Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError("rank " + world.rank() + ", key " + key + ": what came is not what was sent");
        }
        return true;
    }

    private static byte[] bytes(long[] numbers) {
        byte[] array = new byte[numbers.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = (byte) numbers[i];
        }
        return array;
    }

    private static int[] ints(long[] numbers) {
        int[] array = new int[numbers.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = (int) numbers[i];
        }
        return array;
    }

    private static float[] floats(long[] numbers) {
        float[] array = new float[numbers.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = numbers[i];
        }
        return array;
    }

    private static double[] doubles(long[] numbers) {
        double[] array = new double[numbers.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = numbers[i];
        }
        return array;
    }

    private static String memory() throws IOException {
        long resident = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
        long heap = ManagementFactory.getMemoryPoolMXBeans().stream().filter(pool -> pool.getCollectionUsage() != null)
                .mapToLong(pool -> pool.getCollectionUsage().getUsed()).sum();
        return String.format(Locale.ROOT, "%d,%d", resident / 1024, heap >> 20);
    }
}
