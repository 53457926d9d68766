package dev.lockstep.decoder.kv;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * Which pages of the cache hold the tokens of which slot: a slot takes pages as it grows and gives them back at its end.
 * A page that is full of prompt tokens is known by these and by what comes before them, so that another slot that begins
 * alike has it as well and need not compute it; it is kept when nobody has it any more, until its room is wanted. That is
 * the automatic prefix caching of vLLM (Kwon et al., <a href="https://arxiv.org/abs/2309.06180">2309.06180</a>), with the
 * tokens compared, not only their hash.
 *
 * <p>Page 0 is nobody's: what a step writes for slots that are not in use goes there. This class moves no data; what it has
 * decided is {@linkplain #drain handed on}.
 */
public final class KvPages implements KvLedger {
    private static final int NOBODY = 0;

    /** A full page's tokens, and the page before it in the prompt. */
    private record Block(long before, int[] tokens) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Block block && block.before == before && Arrays.equals(block.tokens, tokens);
        }

        @Override
        public int hashCode() {
            return 31 * Long.hashCode(before) + Arrays.hashCode(tokens);
        }
    }

    /** A place of the table that has changed. */
    public record Change(int slot, int place, int page) {}

    /** What has become of the table: first these slots were emptied, then these places were filled. */
    public record Changes(List<Integer> emptied, List<Change> filled) {}

    private final int pageTokens;
    private final Deque<Integer> free = new ArrayDeque<>();
    // pages that nobody has and whose tokens are known, the one that was used longest ago first
    private final Set<Integer> idle = new LinkedHashSet<>();
    private final Map<Block, Integer> known = new HashMap<>();
    // by page: how many slots have it, what it is known by, and its number as the page before another
    private final int[] users;
    private final @Nullable Block[] blocks;
    private final long[] serials;
    // by slot: its pages in order
    private final List<List<Integer>> pages = new ArrayList<>();
    private final Set<Integer> emptied = new LinkedHashSet<>();
    private final List<Change> filled = new ArrayList<>();
    private long serial;
    private int version;

    /**
     * @param pages      how many there are beside page 0
     * @param pageTokens tokens of each
     */
    public KvPages(int slots, int pages, int pageTokens) {
        this.pageTokens = pageTokens;
        this.users = new int[pages + 1];
        this.blocks = new Block[pages + 1];
        this.serials = new long[pages + 1];
        for (int page = 1; page <= pages; page++) {
            free.add(page);
        }
        for (int slot = 0; slot < slots; slot++) {
            this.pages.add(new ArrayList<>());
        }
    }

    @Override
    public int pages(int tokens) {
        return (tokens + pageTokens - 1) / pageTokens;
    }

    @Override
    public int available() {
        return free.size() + idle.size();
    }

    /** Pages that hold tokens of some slot. */
    public int inUse() {
        return users.length - 1 - available();
    }

    @Override
    public int lacking(int slot, int tokens) {
        return Math.max(0, pages(tokens) - pages.get(slot).size());
    }

    @Override
    public void extend(int slot, int tokens) {
        int more = lacking(slot, tokens);
        if (more > available()) {
            throw new IllegalStateException(
                    "slot " + slot + " needs " + more + " pages of the cache, and " + available() + " are left");
        }
        for (int i = 0; i < more; i++) {
            add(slot, take());
        }
    }

    private int take() {
        Integer page = free.poll();
        if (page == null) {
            page = idle.iterator().next();
            idle.remove(page);
            known.remove(blocks[page]);
            blocks[page] = null;
        }
        return page;
    }

    private void add(int slot, int page) {
        List<Integer> own = pages.get(slot);
        users[page]++;
        filled.add(new Change(slot, own.size(), page));
        own.add(page);
    }

    /** In whole pages. */
    @Override
    public int shared(int kind, int[] prompt) {
        return found(kind, prompt).size() * pageTokens;
    }

    @Override
    public @Nullable Object firstMissing(int kind, int[] prompt) {
        List<Integer> there = found(kind, prompt);
        int from = there.size() * pageTokens;
        return from + pageTokens >= prompt.length
                ? null
                : new Block(there.isEmpty() ? root(kind) : serials[there.get(there.size() - 1)],
                        Arrays.copyOfRange(prompt, from, from + pageTokens));
    }

    private static long root(int kind) {
        return -1L - kind;
    }

    private List<Integer> found(int kind, int[] prompt) {
        List<Integer> there = new ArrayList<>();
        long before = root(kind);
        for (int end = pageTokens; end < prompt.length; end += pageTokens) {
            Integer page = known.get(new Block(before, Arrays.copyOfRange(prompt, end - pageTokens, end)));
            if (page == null) {
                break;
            }
            there.add(page);
            before = serials[page];
        }
        return there;
    }

    @Override
    public int wanted(int kind, int[] prompt) {
        List<Integer> there = found(kind, prompt);
        return pages(prompt.length) - (int) there.stream().filter(page -> users[page] > 0).count();
    }

    @Override
    public int attach(int slot, int kind, int[] prompt) {
        List<Integer> there = found(kind, prompt);
        for (int page : there) {
            idle.remove(page);
            add(slot, page);
        }
        version += there.isEmpty() ? 0 : 1;
        return there.size() * pageTokens;
    }

    @Override
    public void publish(int slot, int kind, int[] prompt, int to) {
        long before = root(kind);
        List<Integer> own = pages.get(slot);
        for (int end = pageTokens; end <= to; end += pageTokens) {
            int page = own.get(end / pageTokens - 1);
            if (blocks[page] == null) {
                Block block = new Block(before, Arrays.copyOfRange(prompt, end - pageTokens, end));
                Integer same = known.putIfAbsent(block, page);
                if (same == null) {
                    blocks[page] = block;
                    serials[page] = serial++;
                } else {
                    page = same;
                }
            }
            before = serials[page];
        }
    }

    @Override
    public void release(int slot) {
        List<Integer> own = pages.get(slot);
        // the last pages first, so that the beginning of a prompt is what stays longest
        for (int i = own.size() - 1; i >= 0; i--) {
            int page = own.get(i);
            if (--users[page] == 0) {
                if (blocks[page] == null) {
                    free.push(page);
                } else {
                    idle.add(page);
                }
            }
        }
        own.clear();
        version++;
        filled.removeIf(change -> change.slot == slot);
        emptied.add(slot);
    }

    @Override
    public void move(int source, int target) {
        pages.set(target, pages.get(source));
        pages.set(source, new ArrayList<>());
        version++;
    }

    /** Another one when other slots share pages than before, or in other ways. */
    int version() {
        return version;
    }

    /**
     * By slot, the pages at its beginning that another slot has too; views, until something changes. Slots with the same page
     * at some place have the same ones before it, or pages of the same tokens.
     */
    List<List<Integer>> beginnings() {
        return pages.stream().map(own -> {
            int shared = 0;
            for (int end = own.size(); shared < end;) {
                int middle = (shared + end) / 2;
                if (users[own.get(middle)] > 1) {
                    shared = middle + 1;
                } else {
                    end = middle;
                }
            }
            return own.subList(0, shared);
        }).toList();
    }

    /** What has changed since the last call. */
    public Changes drain() {
        Changes changes = new Changes(List.copyOf(emptied), List.copyOf(filled));
        emptied.clear();
        filled.clear();
        return changes;
    }

    /** The pages of a slot, in order. */
    public List<Integer> of(int slot) {
        return List.copyOf(pages.get(slot));
    }

    /** How many slots have a page. */
    public int users(int page) {
        return page == NOBODY ? 0 : users[page];
    }
}
