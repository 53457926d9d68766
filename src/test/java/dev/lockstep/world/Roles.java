package dev.lockstep.world;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

import org.slf4j.LoggerFactory;

/** The program of {@link RolesIT}: what is for some of the ranks. Its argument is an empty directory for each host. */
public final class Roles {
    /** @param start and end of the work, on the host's clock, which its processes share */
    record Fetch(String host, boolean downloaded, long start, long end) {}

    private Roles() {}

    public static void main(String[] args) throws IOException {
        try (World world = World.init(args)) {
            firsts(world, Path.of(args[0]));
            roles(world);
        }
    }

    private static void firsts(World world, Path directory) throws IOException {
        world.print("root " + told(world, world.rootFirst(() -> fetch(world, 0, directory.resolve("root")))));
        int first = world.rank() - world.localRank(); // the hosts' ranks are next to each other
        Path own = directory.resolve("local-" + world.host());
        world.print("local " + told(world, world.localRootFirst(() -> fetch(world, first, own))));
    }

    /** Downloads what is not there, which takes until all who are to find it have come this far. */
    private static Fetch fetch(World world, int first, Path file) throws IOException {
        long start = System.nanoTime();
        if (Files.exists(file)) {
            return new Fetch(world.host(), false, start, System.nanoTime());
        }
        Files.writeString(Files.createTempFile(file.getParent(), file.getFileName().toString(), ".part"),
                "by " + world.rank());
        if (world.rank() == first) {
            // time in which a rank that did not wait would find nothing
            for (long until = start + 500_000_000L; System.nanoTime() < until;) {
                Thread.onSpinWait();
            }
        }
        long end = System.nanoTime();
        Files.createFile(file);
        return new Fetch(world.host(), true, start, end);
    }

    /** Who downloaded, and whether all others of the hosts began only then. */
    private static String told(World world, Fetch mine) {
        List<Fetch> all = world.allGather(mine, Fetch.class);
        List<Integer> by = IntStream.range(0, all.size())
                .filter(rank -> all.get(rank).downloaded()).boxed().toList();
        boolean waited = all.stream().filter(Fetch::downloaded).allMatch(download -> all.stream()
                .filter(other -> !other.downloaded()).allMatch(other -> other.start() >= download.end()));
        return "downloaded by " + by + ", the others waited: " + waited;
    }

    private static void roles(World world) {
        world.rootLogger(Roles.class).info("from the root");
        LoggerFactory.getLogger(Roles.class).info("from every rank");
        int last = world.size() - 1;
        // comes to its end only if the others go on meanwhile
        world.onRoot(() -> System.out.println("on root " + world.rank() + ": "
                + world.receive(String.class, last, 1)));
        world.onRank(last, () -> {
            System.out.println("on rank " + world.rank());
            world.send("the others went on", String.class, 0, 1);
        });
        world.barrier();
        for (int wrong : new int[]{-1, world.size()}) {
            try {
                world.onRank(wrong, () -> System.out.println("on no rank"));
            } catch (IllegalArgumentException e) {
                world.print(e.getMessage());
            }
        }
    }
}
