package dev.lockstep.world;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import com.fasterxml.jackson.core.type.TypeReference;

/** The program of {@link CollectivesIT}: every rank checks what it receives. */
public final class CollectivesProgram {
    record Row(int index, String text, int[] ids, List<String> tags, Double score) {}

    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {
    };
    private static final TypeReference<Map<String, List<Integer>>> MAP = new TypeReference<>() {
    };

    private CollectivesProgram() {}

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            check("arguments", Arrays.asList(args), Arrays.asList(world.args()));
            if (args[0].equals("large")) {
                large(world, Integer.parseInt(args[1]));
            } else {
                for (int round = 0; round < 2; round++) {
                    values(world);
                    lists(world);
                    rows(world);
                }
            }
            world.barrier();
            world.print("checked by " + world.size());
        }
    }

    private static void values(World world) {
        List<String> awkward = Arrays.asList("", "a", null, "é ü 漢字 🙂 \u0000 \" \\ \n", "x".repeat(16 * 1024 - 3),
                "y".repeat(128 * 1024), "z".repeat(1_000_003));
        for (int root = 0; root < world.size(); root++) {
            for (String value : awkward) {
                boolean isRoot = world.rank() == root;
                check("broadcast", value, world.broadcast(isRoot ? value : "not the root's", String.class, root));
                String own = value == null ? null : world.rank() + value;
                Optional<List<String>> gathered = world.gather(own, String.class, root);
                check("gather is for the root", isRoot, gathered.isPresent());
                List<String> expected = new ArrayList<>();
                for (int rank = 0; rank < world.size(); rank++) {
                    expected.add(value == null ? null : rank + value);
                }
                gathered.ifPresent(all -> check("gather", expected, all));
                check("allGather", expected, world.allGather(own, String.class));
            }
        }
        check("broadcast int", 7, world.broadcast(world.isRoot() ? 7 : 0, Integer.class));
        Map<String, List<Integer>> map = Map.of("primes", List.of(2, 3, 5), "none", List.of());
        check("broadcast map", map, world.broadcast(world.isRoot() ? map : null, MAP));
    }

    private static void lists(World world) {
        for (int n : new int[]{0, 1, 2, 3, 5, 7, 100}) {
            List<String> items = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                items.add("item " + i);
            }
            Optional<List<String>> all = world.gatherAll(world.split(items), String.class);
            check("gatherAll is for rank 0", world.isRoot(), all.isPresent());
            all.ifPresent(found -> check("gatherAll", items, found));
            List<List<String>> parts = world.allGather(world.split(items), STRINGS);
            check("allGather of lists", items, parts.stream().flatMap(List::stream).toList());
        }
        check("empty lists", Collections.nCopies(world.size(), List.of()), world.allGather(List.of(), STRINGS));
        world.gather(List.of(), STRINGS)
                .ifPresent(all -> check("empty lists", Collections.nCopies(world.size(), List.of()), all));
    }

    private static void rows(World world) {
        Row mine = new Row(world.rank(), "text", new int[]{1, 2, world.rank()}, List.of(), null);
        List<Row> rows = world.allGather(mine, Row.class);
        for (int rank = 0; rank < world.size(); rank++) {
            check("row", rank, rows.get(rank).index());
            check("row ids", List.of(1, 2, rank), Arrays.stream(rows.get(rank).ids()).boxed().toList());
            check("row score", null, rows.get(rank).score());
        }
    }

    /** Rank 1 alone has that many megabytes; then all broadcast a part of it. */
    private static void large(World world, int megabytes) {
        String value = world.rank() == 1 ? "0123456789abcdef".repeat(megabytes << 16) : null;
        world.gather(value, String.class).ifPresent(all -> {
            check("nothing from rank 0", null, all.get(0));
            String found = all.get(1);
            check("size", megabytes << 20, found.length());
            for (int i = 0; i < found.length(); i += 4093) {
                check("letter " + i, "0123456789abcdef".charAt(i & 15), found.charAt(i));
            }
        });
        value = null;
        String part = world.broadcast(world.rank() == 1 ? "fedcba9876543210".repeat(40 << 16) : null, String.class, 1);
        check("size", 40 << 20, part.length());
        check("end", true, part.endsWith("fedcba9876543210"));
        List<String> parts = world.allGather(part.substring(world.rank() << 24), String.class);
        check("sizes", List.of(40 << 20, 24 << 20), parts.stream().map(String::length).toList());
    }

    private static void check(String what, Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError(what + ": expected " + brief(expected) + ", but it was " + brief(actual));
        }
    }

    private static String brief(Object value) {
        String text = String.valueOf(value);
        return text.length() > 200 ? text.substring(0, 200) + "..." : text;
    }
}
