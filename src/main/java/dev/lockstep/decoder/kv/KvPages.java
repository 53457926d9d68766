package dev.lockstep.decoder.kv;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Which pages of the cache hold the tokens of which slot: a slot takes pages as it grows and gives them back at its end.
 * A page that is full of prompt tokens is known by these and by what comes before them, so that another slot that begins
 * alike has it as well and need not compute it; it is kept when nobody has it any more, until its room is wanted. That is
 * the automatic prefix caching of vLLM (Kwon et al., <a href="https://arxiv.org/abs/2309.06180">2309.06180</a>), with the
 * tokens compared, not only their hash.
 *
 * <p>Each of the {@link LayerGroups} has a page of its own for the same tokens. Of one whose layers have a window a slot
 * keeps those that the window still sees, and of a prompt's tokens the others too while they are computed, where there is room,
 * so that they are known.
 *
 * <p>Page 0 is nobody's: what a step writes for slots that are not in use goes there, and what nobody will see. This class moves
 * no data; what it has decided is {@linkplain #drain handed on}.
 */
public final class KvPages implements KvLedger {
    static final int NOBODY = 0;

    /** A full page's tokens, and those before it in the prompt, by number. */
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

    /** Tokens that are known: the pages of each group that hold them, or nobody's. */
    private record Known(Block block, long number, int[] pages) {}

    /** A place of a group's table that has changed. */
    public record Change(int group, int slot, int place, int page) {}

    /** What has become of the tables: first these slots were emptied, then these places were filled. */
    public record Changes(List<Integer> emptied, List<Change> filled) {}

    private final int pageTokens;
    private final int[] windows;
    // for a prompt that comes in pieces
    private final int aside;
    private final Deque<Integer> free = new ArrayDeque<>();
    // pages that nobody has and whose tokens are known, the one that was used longest ago first
    private final Set<Integer> idle = new LinkedHashSet<>();
    private final Map<Block, Known> known = new HashMap<>();
    // by page: how many slots have it, and what it is known by
    private final int[] users;
    private final @Nullable Known[] contents;
    // by slot and group
    private final List<List<Places>> pages = new ArrayList<>();
    private final Set<Integer> emptied = new LinkedHashSet<>();
    private final List<Change> filled = new ArrayList<>();
    private long numbers;
    private int version;

    /**
     * @param pages      how many there are beside page 0
     * @param pageTokens tokens of each
     * @param windows    by group of layers, tokens that a query sees, its own included; 0 for all
     */
    public KvPages(int slots, int pages, int pageTokens, int... windows) {
        this.pageTokens = pageTokens;
        this.windows = windows.length == 0 ? new int[1] : windows;
        this.aside = LayerGroups.aside(pageTokens, this.windows);
        this.users = new int[pages + 1];
        this.contents = new Known[pages + 1];
        for (int page = 1; page <= pages; page++) {
            free.add(page);
        }
        for (int slot = 0; slot < slots; slot++) {
            this.pages.add(empty());
        }
    }

    private List<Places> empty() {
        return Stream.generate(Places::new).limit(windows.length).toList();
    }

    private int places(int tokens) {
        return (tokens + pageTokens - 1) / pageTokens;
    }

    /** The first place that a group's token sees. */
    private int firstSeen(int group, int token) {
        return windows[group] == 0 ? 0 : Math.max(0, token - windows[group] + 1) / pageTokens;
    }

    @Override
    public int available() {
        return Math.max(0, room() - aside);
    }

    private int room() {
        return free.size() + idle.size();
    }

    /** Pages that hold tokens of some slot. */
    public int inUse() {
        return users.length - 1 - room();
    }

    @Override
    public int lacking(int slot, int from, int to) {
        int lacking = 0;
        for (int group = 0; group < windows.length; group++) {
            Places own = pages.get(slot).get(group);
            lacking += own.lacking(firstSeen(group, to), places(to))
                    - own.before(firstSeen(group, from), page -> users[page] == 1);
        }
        return lacking;
    }

    @Override
    public void extend(int slot, int from, int to) {
        trim(slot, from);
        int more = lacking(slot, from, to);
        if (more > room()) {
            throw new IllegalStateException(
                    "slot " + slot + " needs " + more + " pages of the cache, and " + room() + " are left");
        }
        for (int group = 0; group < windows.length; group++) {
            fill(slot, group, firstSeen(group, to), places(to));
        }
    }

    @Override
    public void keepWhole(int slot, int from, int to) {
        for (int group = 0; group < windows.length; group++) {
            int first = from / pageTokens;
            if (windows[group] > 0 && pages.get(slot).get(group).lacking(first, places(to)) <= available()) {
                fill(slot, group, first, places(to));
            }
        }
    }

    private void fill(int slot, int group, int from, int to) {
        pages.get(slot).get(group).fill(from, to, this::take, (place, page) -> use(slot, group, place, page));
    }

    private void use(int slot, int group, int place, int page) {
        users[page]++;
        filled.add(new Change(group, slot, place, page));
    }

    /** What no token from this one on sees. */
    private void trim(int slot, int token) {
        for (int group = 0; group < windows.length; group++) {
            pages.get(slot).get(group).trim(firstSeen(group, token), this::leave);
        }
    }

    private int take() {
        Integer page = free.poll();
        if (page == null) {
            page = idle.iterator().next();
            idle.remove(page);
            forget(page);
        }
        return page;
    }

    /** Its tokens are not known any more, not in other groups either where these are of no use without it. */
    private void forget(int page) {
        Known content = Objects.requireNonNull(contents[page]);
        contents[page] = null;
        boolean whole = false;
        int left = 0;
        for (int group = 0; group < windows.length; group++) {
            if (content.pages[group] == page) {
                content.pages[group] = NOBODY;
                whole |= windows[group] == 0;
            }
            left += content.pages[group] == NOBODY ? 0 : 1;
        }
        if (whole || left == 0) {
            drop(content);
        }
    }

    private void drop(Known content) {
        known.remove(content.block);
        for (int page : content.pages) {
            if (page != NOBODY) {
                contents[page] = null;
                if (idle.remove(page)) {
                    free.push(page);
                }
            }
        }
        Arrays.fill(content.pages, NOBODY);
    }

    private void leave(int page) {
        if (--users[page] == 0) {
            if (contents[page] == null) {
                free.push(page);
            } else {
                idle.add(page);
            }
        }
    }

    /** In whole pages. */
    @Override
    public int shared(int kind, int[] prompt) {
        return found(kind, prompt).size() * pageTokens;
    }

    @Override
    public @Nullable Object firstMissing(int kind, int[] prompt) {
        List<Known> there = found(kind, prompt);
        int from = there.size() * pageTokens;
        return from + pageTokens >= prompt.length
                ? null
                : new Block(there.isEmpty() ? root(kind) : there.get(there.size() - 1).number,
                        Arrays.copyOfRange(prompt, from, from + pageTokens));
    }

    private static long root(int kind) {
        return -1L - kind;
    }

    /** What a prompt begins with and what is there of it, as far as its next token sees it. */
    private List<Known> found(int kind, int[] prompt) {
        List<Known> there = new ArrayList<>();
        long before = root(kind);
        for (int end = pageTokens; end < prompt.length; end += pageTokens) {
            Known next = known.get(new Block(before, Arrays.copyOfRange(prompt, end - pageTokens, end)));
            if (next == null) {
                break;
            }
            there.add(next);
            before = next.number;
        }
        return there.subList(0, seen(there));
    }

    /** So many of them are of use: the token after them sees no page that is not there. */
    private int seen(List<Known> there) {
        int count = there.size();
        for (int group = 0; group < windows.length; group++) {
            for (int place = count - 1; windows[group] > 0 && place >= firstSeen(group, count * pageTokens); place--) {
                if (there.get(place).pages[group] == NOBODY) {
                    // what is less sees it too, but for what ends before it; other groups look again
                    count = place;
                    group = -1;
                    break;
                }
            }
        }
        return count;
    }

    @Override
    public int wanted(int kind, int[] prompt) {
        List<Known> there = found(kind, prompt);
        int wanted = 0;
        for (int group = 0; group < windows.length; group++) {
            wanted += places(prompt.length) - Math.max(there.size(), firstSeen(group, prompt.length));
            for (int place = firstSeen(group, there.size() * pageTokens); place < there.size(); place++) {
                wanted += users[there.get(place).pages[group]] > 0 ? 0 : 1;
            }
        }
        return wanted;
    }

    @Override
    public int attach(int slot, int kind, int[] prompt) {
        List<Known> there = found(kind, prompt);
        int tokens = there.size() * pageTokens;
        for (int group = 0; group < windows.length; group++) {
            int of = group;
            Iterator<Known> next = there.listIterator(firstSeen(group, tokens));
            pages.get(slot).get(group).fill(firstSeen(group, tokens), there.size(), () -> {
                int page = next.next().pages[of];
                idle.remove(page);
                return page;
            }, (place, page) -> use(slot, of, place, page));
        }
        version += there.isEmpty() ? 0 : 1;
        return tokens;
    }

    @Override
    public void publish(int slot, int kind, int[] prompt, int to) {
        long before = root(kind);
        List<Places> own = pages.get(slot);
        for (int end = pageTokens; end <= to; end += pageTokens) {
            int place = end / pageTokens - 1;
            Block block = new Block(before, Arrays.copyOfRange(prompt, end - pageTokens, end));
            Known content = known.get(block);
            boolean isNew = content == null;
            if (content == null) {
                if (own.stream().allMatch(group -> group.get(place) == NOBODY)) {
                    break; // nobody would find what comes after it
                }
                content = new Known(block, numbers++, new int[windows.length]);
                known.put(block, content);
            }
            for (int group = 0; group < windows.length; group++) {
                int page = own.get(group).get(place);
                Known former = contents[page];
                if (isNew && former != null) {
                    drop(former); // nobody finds it any more, since what was before it is not known
                }
                if (page != NOBODY && contents[page] == null && content.pages[group] == NOBODY
                        && (isNew || windows[group] > 0)) {
                    content.pages[group] = page;
                    contents[page] = content;
                }
            }
            before = content.number;
        }
        trim(slot, to);
    }

    @Override
    public void release(int slot) {
        pages.get(slot).forEach(own -> own.clear(this::leave));
        version++;
        filled.removeIf(change -> change.slot == slot);
        emptied.add(slot);
    }

    @Override
    public void move(int source, int target) {
        pages.set(target, pages.get(source));
        pages.set(source, empty());
        version++;
    }

    /** Another one when other slots share pages than before, or in other ways. */
    int version() {
        return version;
    }

    /**
     * By slot, the pages at its beginning that another slot has too, of the layers that see all; views, until something changes.
     * Slots with the same page at some place have the same ones before it, or pages of the same tokens.
     */
    List<List<Integer>> beginnings() {
        int group = 0;
        while (group < windows.length && windows[group] > 0) {
            group++;
        }
        int whole = group;
        return pages.stream().map(groups -> whole == windows.length ? List.<Integer>of() : beginning(groups.get(whole)))
                .toList();
    }

    private List<Integer> beginning(Places own) {
        int shared = 0;
        for (int end = own.size(); shared < end;) {
            int middle = (shared + end) / 2;
            if (users[own.get(middle)] > 1) {
                shared = middle + 1;
            } else {
                end = middle;
            }
        }
        return own.until(shared);
    }

    /** What has changed since the last call. */
    public Changes drain() {
        Changes changes = new Changes(List.copyOf(emptied), List.copyOf(filled));
        emptied.clear();
        filled.clear();
        return changes;
    }

    /** The pages of a slot in a group, in order; 0 where it has none. */
    public List<Integer> of(int slot, int group) {
        return List.copyOf(pages.get(slot).get(group).until(pages.get(slot).get(group).size()));
    }

    /** How many slots have a page. */
    public int users(int page) {
        return page == NOBODY ? 0 : users[page];
    }
}
