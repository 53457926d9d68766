package dev.lockstep.generate;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.DecoderAllocation;

/** What the decoder has room for: slots, and a cache of pages that they share. */
final class CacheReservation {
    /** What the key-value cache may take on CPU, where other processes want memory too. */
    private static final long CPU_CACHE_BYTES = 2L << 30;

    private final Decoder decoder;
    // null: none is allocated
    private @Nullable DecoderAllocation size;
    private double memoryShare = 1;
    private int mostPages = Integer.MAX_VALUE;
    private int leastSlots = 1;
    // after the device has run out of memory, so many times
    private int halved;

    CacheReservation(Decoder decoder) {
        this.decoder = decoder;
    }

    /** For tests: the cache has at most so many pages, whatever there is memory for, of so many tokens each. */
    void pages(int most, int tokens) {
        size = null;
        mostPages = most;
        decoder.pageTokens(tokens);
    }

    /** There are so many slots at least, though sequences may be given fewer. */
    void leastSlots(int least) {
        size = null;
        leastSlots = least;
    }

    /** Slots that there are. */
    int slots() {
        return size == null ? 0 : size.slots();
    }

    /** The part of a GPU's memory that may be in use in all. */
    void memoryShare(double share) {
        memoryShare = share;
    }

    /** At most so many new tokens, by the request or by the context. */
    int limit(Request request) {
        Integer maxLength = request.params().rules().maxLength();
        int context = decoder.config().contextLength();
        int most = maxLength == null ? context : Math.min(context, maxLength);
        return Math.min(request.params().maxNewTokens(), most - request.promptIds().length);
    }

    private int reach(Request request) {
        return request.promptIds().length + limit(request);
    }

    /** Sequences like these that the cache has room for when each has come to its end. */
    long fit(Collection<Request> requests) {
        int longest = requests.stream().mapToInt(this::reach).max().orElse(1);
        double mean = (double) wantedPages(requests) / Math.max(1, requests.size());
        return (long) ((mostPages(longest) - decoder.pagesAside()) / Math.max(1, mean));
    }

    /** Pages that all of them come to, where what prompts begin with alike counts once. */
    private long wantedPages(Collection<Request> requests) {
        long pages = requests.stream().mapToLong(request -> decoder.pages(reach(request))).sum();
        int page = decoder.pageTokens();
        if (page > 0) {
            Set<Long> beginnings = new HashSet<>();
            for (Request request : requests) {
                int[] prompt = request.promptIds();
                long beginning = 0;
                for (int end = page; end < prompt.length; end += page) {
                    for (int i = end - page; i < end; i++) {
                        beginning = (beginning ^ prompt[i]) * 0x9E3779B97F4A7C15L;
                        beginning ^= beginning >>> 32;
                    }
                    pages -= beginnings.add(beginning) ? 0 : decoder.pagesShared();
                }
            }
        }
        return pages;
    }

    /** What of a GPU's free memory the cache may take, in bytes. */
    static long ofGpu(long free) {
        return free / 10 * 8;
    }

    /** Pages that there is memory for. */
    private long mostPages(int longest) {
        long page = decoder.pageBytes(longest);
        long held = size == null ? 0 : size.pages() * page;
        long free = decoder.memory().freeOf(memoryShare) + held;
        long bytes = decoder.device().isCpu() ? Math.min(CPU_CACHE_BYTES, free / 4) : ofGpu(free);
        // of a replica no rank can have more than the one that has least
        return decoder.replica().least(Math.max(1, Math.min(mostPages, (bytes >> halved) / page)));
    }

    /** Pages that sequences hold, each once; 0 where slots are not made of pages. */
    int pagesInUse() {
        return size == null || size.pages() == 0 ? 0 : size.pages() - decoder.pagesAside() - decoder.availablePages();
    }

    /** Whether a sequence like this can begin beside others. */
    boolean holds(Request request, int slots) {
        return size != null && size.holds(needed(List.of(request), slots, 0, 0));
    }

    /** Whether a sequence like this can come to its end when it is alone. */
    boolean holdsAlone(Request request, int slots) {
        return size != null && holds(request, slots)
                && (size.pages() == 0 || decoder.pages(reach(request)) + decoder.pagesAside() <= size.pages());
    }

    /** Makes room for all of these, as many at a time; sequences under way would be lost. */
    void reserve(Collection<Request> requests, int slots) {
        int longest = requests.stream().mapToInt(this::reach).max().orElse(1);
        // so many at a time at their longest
        long all = requests.stream().map(this::reach).sorted((a, b) -> Integer.compare(b, a)).limit(slots)
                .mapToLong(decoder::pages).sum() + decoder.pagesAside();
        allocate(requests, slots, longest, all);
    }

    /**
     * Makes room for these and for those like them that are still to come: as many pages as there is memory for, or as so
     * many of the longest rows could ever fill.
     */
    void reserveForMore(Collection<Request> requests, int slots) {
        int prompt = requests.stream().mapToInt(request -> request.promptIds().length).max().orElse(0);
        int more = requests.stream().mapToInt(request -> request.params().maxNewTokens()).max().orElse(0);
        int context = decoder.config().contextLength();
        allocate(requests, slots, (int) Math.min(context, (long) prompt + more),
                (long) slots * decoder.pages(context) + decoder.pagesAside());
    }

    private void allocate(Collection<Request> requests, int slots, int longest, long wanted) {
        long pages = decoder.pageTokens() == 0
                ? 0
                : Math.min(Integer.MAX_VALUE - 1, Math.min(wanted, mostPages(longest)));
        DecoderAllocation need = needed(requests, slots, longest, (int) pages);
        if (size == null || !size.holds(need)) {
            DecoderAllocation both = size == null ? need : size.grown(need);
            size = null;
            decoder.onAllRanks(() -> decoder.allocate(both));
            size = both;
        } else {
            widen(longest);
        }
    }

    private DecoderAllocation needed(Collection<Request> requests, int slots, int longest, int pages) {
        return new DecoderAllocation(Math.max(leastSlots, slots), longest, pages,
                requests.stream().mapToInt(request -> request.params().eosTokenIds().size()).max().orElse(0),
                requests.stream().anyMatch(request -> request.params().hasPenalty()),
                Math.max(0, requests.stream().mapToInt(request -> Math
                        .max(request.params().logprobs(), request.params().promptLogprobs())).max().orElse(0)));
    }

    /** A sequence may have so many tokens; those under way go on. */
    void widen(int tokens) {
        if (size != null && size.capacity() < tokens) {
            // doubled, because recorded steps are lost by it
            int capacity = (int) Math.min(decoder.config().contextLength(), Math.max(tokens, 2L * size.capacity()));
            decoder.onAllRanks(() -> decoder.widen(capacity));
            size = size.withCapacity(capacity);
        }
    }

    /** The device had too little memory: the next cache has half as many pages. */
    void shrink() {
        size = null;
        halved++;
    }
}
