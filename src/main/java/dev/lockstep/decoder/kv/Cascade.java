package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What slots begin with alike, in pages that they share, so that a step's attention can read it once for many rows
 * ({@code kernels/share.cu}) instead of once for each: one level of what is called a cascade. Of rows that share beginnings of
 * several lengths those are put together which leave the fewest tokens to be read.
 */
public final class Cascade {
    /** Numbers of a slot: tokens that are attended to elsewhere, in how many parts, the first, and how much further the next. */
    private static final int SLOT_NUMBERS = 4;
    /** Of an item: where its slots begin in the list of slots, how many, its tokens from and to, the first slot's part, 0. */
    private static final int ITEM_NUMBERS = 6;
    private static final int LEAST_ITEMS = 16;
    /** A beginning has at least so many tokens, and a part of one. */
    private static final int LEAST_TOKENS = 64;
    private static final int PART_TOKENS = 128;

    /**
     * How a device attends to them.
     *
     * @param rows  of an item at most
     * @param items so many keep the device busy
     * @param saved tokens that need not be read again, below which it is not worth it
     */
    public record Shape(int rows, int items, long saved) {}

    /**
     * Slots that begin alike.
     *
     * @param pages how many of their first pages are the same
     */
    record Group(List<Integer> slots, int pages) {
        /** Pages that need not be read again. */
        long saved() {
            return (slots.size() - 1L) * pages;
        }
    }

    private final int slots;
    private final int pageTokens;
    private final Shape shape;
    private final int mostItems;
    private final int mostParts;
    private int version = -1;
    private int items;
    private long[] numbers = {};

    /** For a cache with so many slots. */
    public Cascade(int slots, int pageTokens, Shape shape) {
        this.slots = slots;
        this.pageTokens = pageTokens;
        this.shape = shape;
        this.mostItems = Integer.highestOneBit(Math.max(LEAST_ITEMS, Math.max(slots, shape.items))) << 1;
        this.mostParts = 2 * Math.max(slots, shape.items * shape.rows);
    }

    /** How many numbers there may be. */
    public int size() {
        return itemsFrom() + mostItems * ITEM_NUMBERS;
    }

    /** Where the list of slots begins among them; those of each slot are before it. */
    public int rowsFrom() {
        return slots * SLOT_NUMBERS;
    }

    /** Where the items begin, after the list of slots. */
    public int itemsFrom() {
        return slots * (SLOT_NUMBERS + 1);
    }

    /** How many parts there may be. */
    public int parts() {
        return mostParts;
    }

    /** How many items the numbers have, of which the last may be without slots: a power of 2, or 0 where nothing is shared. */
    public int items() {
        return items;
    }

    /** What the device is to be told. */
    public long[] numbers() {
        return numbers;
    }

    /** Whether there is something new to tell. */
    public boolean update(KvPages pages) {
        if (pages.version() == version) {
            return false;
        }
        version = pages.version();
        List<Group> groups = groups(pages.beginnings()).stream()
                .filter(group -> group.pages * pageTokens >= LEAST_TOKENS).toList();
        long saved = groups.stream().mapToLong(Group::saved).sum() * pageTokens;
        if (groups.isEmpty() || saved < shape.saved) {
            items = 0;
            return false;
        }
        write(groups);
        return true;
    }

    private void write(List<Group> groups) {
        int whole = groups.stream().mapToInt(this::bundles).sum();
        int cut = Math.max(1, shape.items / whole);
        if (groups.stream().mapToInt(group -> group.slots.size() * parts(group, cut)).sum() > mostParts) {
            write(groups, 1);
        } else {
            write(groups, cut);
        }
    }

    private int bundles(Group group) {
        return (group.slots.size() + shape.rows - 1) / shape.rows;
    }

    private int parts(Group group, int cut) {
        return Math.max(1, Math.min(cut, group.pages * pageTokens / PART_TOKENS));
    }

    private void write(List<Group> groups, int cut) {
        int count = groups.stream().mapToInt(group -> bundles(group) * parts(group, cut)).sum();
        items = Math.max(LEAST_ITEMS, Integer.highestOneBit(2 * count - 1));
        numbers = new long[itemsFrom() + items * ITEM_NUMBERS];
        int listed = 0;
        int part = 0;
        int item = itemsFrom();
        for (Group group : groups) {
            int size = group.slots.size();
            int parts = parts(group, cut);
            int each = (group.pages + parts - 1) / parts;
            for (int i = 0; i < size; i++) {
                int slot = group.slots.get(i);
                put(slot * SLOT_NUMBERS, (long) group.pages * pageTokens, (group.pages + each - 1) / each, part + i,
                        size);
                numbers[rowsFrom() + listed + i] = slot;
            }
            for (int from = 0; from < group.pages; from += each, part += size) {
                for (int i = 0; i < size; i += shape.rows, item += ITEM_NUMBERS) {
                    put(item, listed + i, Math.min(shape.rows, size - i), (long) from * pageTokens,
                            (long) Math.min(group.pages, from + each) * pageTokens, part + i);
                }
            }
            listed += size;
        }
    }

    private void put(int at, long... values) {
        System.arraycopy(values, 0, numbers, at, values.length);
    }

    /** @param beginnings by slot, pages that it shares with others, as {@link KvPages#beginnings} gives them */
    static List<Group> groups(List<List<Integer>> beginnings) {
        List<Integer> sorted = IntStream.range(0, beginnings.size()).filter(slot -> !beginnings.get(slot).isEmpty())
                .boxed().sorted(Comparator.comparing(beginnings::get, Cascade::compare)).toList();
        List<Group> groups = new ArrayList<>();
        Tree.of(beginnings, sorted, 0, List.of(0)).choose(0, new ArrayList<>(), groups);
        return groups;
    }

    /**
     * Slots whose first pages are the same, so many of them, and at most one of each below.
     *
     * @param ends  those that go no further
     * @param below those that go on, by how they do
     * @param saved pages that need not be read again in this tree, by how many of the trees around it, from the outermost, there
     *              are up to the last that is a group: slots are of the innermost group around them, and a group reads its pages
     *              once
     * @param group by the same, whether this tree is one too
     */
    private record Tree(int pages, List<Integer> ends, List<Tree> below, long[] saved, boolean[] group) {
        /** @param around how many pages are the same in each of the trees around it */
        static Tree of(List<List<Integer>> beginnings, List<Integer> sorted, int pages, List<Integer> around) {
            List<Integer> ends = new ArrayList<>();
            List<Tree> below = new ArrayList<>();
            for (int from = 0, to; from < sorted.size(); from = to) {
                List<Integer> first = beginnings.get(sorted.get(from));
                to = from + 1;
                if (first.size() > pages) {
                    while (to < sorted.size() && beginnings.get(sorted.get(to)).get(pages).equals(first.get(pages))) {
                        to++;
                    }
                }
                if (to - from == 1) {
                    ends.add(sorted.get(from));
                } else {
                    // in their order the first and the last differ most
                    int more = alike(first, beginnings.get(sorted.get(to - 1)));
                    List<Integer> inner = new ArrayList<>(around);
                    inner.add(more);
                    below.add(of(beginnings, sorted.subList(from, to), more, inner));
                }
            }
            long[] saved = new long[around.size()];
            boolean[] group = new boolean[around.size()];
            for (int k = 0; k < saved.length; k++) {
                saved[k] = saved(ends, below, around.get(k), k);
                long open = saved(ends, below, pages, saved.length - 1) - pages;
                group[k] = k < saved.length - 1 && open > saved[k];
                saved[k] = Math.max(saved[k], open);
            }
            return new Tree(pages, ends, below, saved, group);
        }

        private static long saved(List<Integer> ends, List<Tree> below, int each, int k) {
            return (long) ends.size() * each + below.stream().mapToLong(tree -> tree.saved[k]).sum();
        }

        /**
         * @param k    the last tree around it that is a group
         * @param open its slots
         */
        void choose(int k, List<Integer> open, List<Group> groups) {
            if (group[k]) {
                List<Integer> own = new ArrayList<>();
                pass(group.length - 1, own, groups);
                groups.add(new Group(own, pages));
            } else {
                pass(k, open, groups);
            }
        }

        private void pass(int k, List<Integer> open, List<Group> groups) {
            open.addAll(ends);
            below.forEach(tree -> tree.choose(k, open, groups));
        }
    }

    private static int compare(List<Integer> a, List<Integer> b) {
        int alike = alike(a, b);
        return alike == a.size() || alike == b.size()
                ? Integer.compare(a.size(), b.size())
                : Integer.compare(a.get(alike), b.get(alike));
    }

    /** How many of their first pages are the same, of which none is the same behind one that is not. */
    private static int alike(List<Integer> a, List<Integer> b) {
        int alike = 0;
        for (int end = Math.min(a.size(), b.size()); alike < end;) {
            int middle = (alike + end) / 2;
            if (a.get(middle).equals(b.get(middle))) {
                alike = middle + 1;
            } else {
                end = middle;
            }
        }
        return alike;
    }
}
