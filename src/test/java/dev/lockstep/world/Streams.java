package dev.lockstep.world;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** The program of {@link StreamsIT}: values that are larger than a heap, an array or a buffer. */
public final class Streams {
    /** A megabyte and a little, different for every item. */
    record Item(int rank, int number, String text) {
        static Item of(int rank, int number) {
            byte[] letters = new byte[(1 << 20) + number];
            Arrays.fill(letters, (byte) ('a' + (rank * 7 + number) % 26));
            return new Item(rank, number, new String(letters, StandardCharsets.ISO_8859_1));
        }
    }

    private Streams() {}

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            int size = Integer.parseInt(args[1]);
            switch (args[0]) {
                case "each" -> each(world, size);
                case "array" -> array(world, size);
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    /** Every rank gives so many megabytes, made one by one; rank 1 gives nothing when there are three. */
    private static void each(World world, int items) {
        int mine = world.rank() == 1 && world.size() > 2 ? 0 : items;
        Iterable<Item> made = () -> IntStream.range(0, mine).mapToObj(i -> Item.of(world.rank(), i)).iterator();
        long[] seen = new long[2];
        Item[] last = new Item[1];
        world.gatherEach(made, Item.class, item -> {
            if (last[0] != null && last[0].rank() == item.rank() && item.number() != last[0].number() + 1) {
                throw new AssertionError(item.rank() + "/" + item.number() + " after " + last[0].number());
            }
            if (!item.equals(Item.of(item.rank(), item.number()))) {
                throw new AssertionError("item " + item.number() + " of rank " + item.rank());
            }
            seen[0]++;
            seen[1] += item.text().length();
            last[0] = item;
        });
        world.print(seen[0] + " items, " + (seen[1] >> 20) + " MB, heap " + (Runtime.getRuntime().maxMemory() >> 20));
    }

    /** The last rank alone gives an array of so many megabytes. */
    private static void array(World world, int megabytes) {
        boolean gives = world.rank() == world.size() - 1;
        long[] mine = new long[gives ? megabytes << 17 : 0];
        Random random = new Random(7);
        for (int i = 0; i < mine.length; i += 1009) {
            mine[i] = random.nextLong();
        }
        long start = System.nanoTime();
        world.longs().gather(mine).ifPresent(all -> {
            double seconds = (System.nanoTime() - start) / 1e9;
            long[] got = all.get(world.size() - 1);
            Random again = new Random(7);
            for (int i = 0; i < got.length; i++) {
                if (got[i] != (i % 1009 == 0 ? again.nextLong() : 0)) {
                    throw new AssertionError("element " + i);
                }
            }
            List<Integer> others = all.stream().limit(world.size() - 1L).map(array -> array.length).distinct().toList();
            world.print(String.format("%d MB in %.1f s, nothing from the others: %s", (long) got.length * 8 >> 20,
                    seconds, others.equals(List.of(0))));
        });
    }
}
