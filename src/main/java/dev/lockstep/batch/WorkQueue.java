package dev.lockstep.batch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

import dev.lockstep.journal.CrashSuspects;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.world.Block;

/**
 * Deals the samples that are still to be done, on rank 0. Any rank may come at any time and takes what its free slots hold.
 * Samples that a rank may have died of come last, those of one death together and nothing else beside them, so that a second
 * death is no other sample's fault; see {@link CrashSuspects}.
 */
final class WorkQueue {
    /**
     * Samples of one prompt.
     *
     * @param from  the first
     * @param to    the one after the last
     * @param apart they are suspects: only what came with the same grant may be under way beside them
     */
    record Item(Prompt prompt, int from, int to, boolean apart) {
        static Item of(Prompt prompt, int from, int to) {
            return new Item(prompt, from, to, false);
        }

        static Item suspect(Prompt prompt, int sample) {
            return new Item(prompt, sample, sample + 1, true);
        }

        int rows() {
            return to - from;
        }

        /** At most so many of the samples, the first of them. */
        Item first(int most) {
            return new Item(prompt, from, from + Math.min(most, rows()), apart);
        }

        /** The samples from this one on. */
        Item from(int sample) {
            return new Item(prompt, sample, to, apart);
        }
    }

    /** @param over there will be no more for this rank */
    record Grant(List<Item> work, boolean over) {
        static Grant more(List<Item> work) {
            return new Grant(work, false);
        }

        static Grant last(List<Item> work) {
            return new Grant(work, true);
        }
    }

    private final JournalIndex done;
    private final int samplesOfOthers;
    private final OptionalInt prompts;
    private final OptionalLong results;
    private final Cursor[] cursors; // by rank; all the same one unless the samples are split in blocks
    private int[] samplesOf = new int[0]; // by prompt, 0 where it does not say how many; empty while none does
    private final int ranks;
    // not under the lock: whoever deals may be waiting for the input
    private final AtomicLong dealtToRoot = new AtomicLong();
    private final AtomicLong dealtToOthers = new AtomicLong();
    private int seen;

    /**
     * @param samples  of a prompt that does not say how many
     * @param inBlocks each rank gets a contiguous share of the prompts, the same size for all
     * @param done     results that there are
     */
    WorkQueue(PromptFile prompts, int ranks, boolean inBlocks, int samples, JournalIndex done) {
        this.done = done;
        this.samplesOfOthers = samples;
        this.prompts = prompts.rows();
        this.results = prompts.results();
        this.ranks = ranks;
        this.cursors = new Cursor[ranks];
        Cursor all = inBlocks ? null : new Cursor(prompts.all(), ranks);
        for (int rank = 0; rank < ranks; rank++) {
            cursors[rank] = inBlocks
                    ? new Cursor(block(prompts, rank, ranks), 1)
                    : all;
        }
    }

    private static Iterator<Prompt> block(PromptFile prompts, int rank, int ranks) {
        Block block = Block.of(prompts.rows().orElseThrow(), rank, ranks);
        return prompts.block(block.start(), block.end());
    }

    /**
     * @param free  slots that have no sample
     * @param ahead samples besides, so that the rank need not wait when the next slots fall free; not granted near the end,
     *              where they would wait at one rank while another has nothing to do
     * @param idle  nothing is under way on the rank, so that it may get suspects; it gets all of a group, however many
     */
    synchronized Grant deal(int rank, int free, int ahead, boolean idle) {
        long most = free + (left() - free > 2L * ahead * ranks ? (long) ahead : 0L);
        List<Item> items = new ArrayList<>();
        while (most > 0) {
            Item work = cursors[rank].next((int) Math.min(most, Integer.MAX_VALUE));
            if (work == null) {
                break;
            }
            add(work, rank, items);
            most -= work.rows();
        }
        boolean exhausted = most > 0 || cursors[rank].isAtEnd();
        if (!exhausted) {
            return Grant.more(items);
        }
        Deque<List<Item>> apart = cursors[rank].apart();
        if (items.isEmpty() && idle && !apart.isEmpty()) {
            apart.remove().forEach(work -> add(work, rank, items));
        }
        return apart.isEmpty() ? Grant.last(items) : Grant.more(items);
    }

    private void add(Item work, int rank, List<Item> items) {
        items.add(work);
        (rank == 0 ? dealtToRoot : dealtToOthers).addAndGet(work.rows());
    }

    /**
     * Samples that rank 0 is to count as its own when it says how far it is: those it was dealt and, where the number of
     * prompts is known, those that nobody was.
     */
    long notDealtToOthers() {
        return results.isPresent() ? toDo() - dealtToOthers.get() : dealtToRoot.get();
    }

    /** Samples that there were to do when the job began, as far as they are known; -1 where the input has no end in sight. */
    long all() {
        return results.isPresent() ? toDo() : -1;
    }

    /** Prompts of the input; all of them once everything is dealt. */
    synchronized int prompts() {
        return prompts.orElse(seen);
    }

    /** How many samples of a prompt there have to be, with the same reserve. */
    synchronized int samples(int prompt) {
        int own = prompt >= samplesOf.length ? 0 : samplesOf[prompt];
        return own == 0 ? samplesOfOthers : own;
    }

    private void remember(Prompt prompt) {
        seen++;
        int samples = prompt.samplesOr(samplesOfOthers);
        if (samples != samplesOfOthers) {
            if (prompt.index() >= samplesOf.length) {
                int longer = Math.max(prompts.orElse(0), prompt.index() + prompt.index() / 2 + 1);
                samplesOf = Arrays.copyOf(samplesOf, longer);
            }
            samplesOf[prompt.index()] = samples;
        }
    }

    private long left() {
        return results.isPresent() ? toDo() - dealtToRoot.get() - dealtToOthers.get() : Long.MAX_VALUE;
    }

    private long toDo() {
        return results.getAsLong() - done.count();
    }

    /** Goes through some of the prompts and leaves out what is done. */
    private final class Cursor {
        private final Iterator<Prompt> source;
        private final int sharers;
        // by the death that they are held together by, until all prompts have been seen
        private final Map<Integer, List<Item>> suspects = new LinkedHashMap<>();
        private final Set<Integer> halved = new HashSet<>();
        private final Deque<List<Item>> apart = new ArrayDeque<>();
        private @Nullable Prompt prompt;
        private int samples;
        private int sample;

        /** @param sharers ranks that are dealt of this */
        Cursor(Iterator<Prompt> source, int sharers) {
            this.source = source;
            this.sharers = sharers;
        }

        /** Asked of a pipe this would mean waiting for it. */
        boolean isAtEnd() {
            return prompts.isPresent() && prompt == null && !source.hasNext();
        }

        /**
         * Suspects that are to be done apart, each group at one go. To be asked when all others are dealt. One piece of
         * them for each rank, so that none stands idle, and at least two where ranks died of suspects alone.
         */
        Deque<List<Item>> apart() {
            suspects.forEach((death, rows) -> {
                int pieces = Math.min(rows.size(), halved.contains(death) ? Math.max(2, sharers) : sharers);
                for (int piece = 0; piece < pieces; piece++) {
                    Block block = Block.of(rows.size(), piece, pieces);
                    apart.add(List.copyOf(rows.subList(block.start(), block.end())));
                }
            });
            suspects.clear();
            return apart;
        }

        @Nullable
        Item next(int most) {
            while (prompt != null || source.hasNext()) {
                if (prompt == null) {
                    prompt = source.next();
                    sample = 0;
                    samples = prompt.samplesOr(samplesOfOthers);
                    remember(prompt);
                }
                while (sample < samples) {
                    if (done.has(prompt.index(), sample)) {
                        sample++;
                        continue;
                    }
                    CrashSuspects.Suspicion suspicion = done.suspicion(prompt.index(), sample);
                    if (suspicion == null) {
                        int from = sample;
                        while (sample < samples && sample - from < most && isFresh(prompt, sample)) {
                            sample++;
                        }
                        Item work = Item.of(prompt, from, sample);
                        prompt = sample == samples ? null : prompt;
                        return work;
                    }
                    if (suspicion.setAside()) {
                        return Item.of(setAside(prompt, suspicion), sample, ++sample);
                    }
                    suspects.computeIfAbsent(suspicion.death(), any -> new ArrayList<>())
                            .add(Item.suspect(prompt, sample++));
                    if (suspicion.again()) {
                        halved.add(suspicion.death());
                    }
                }
                prompt = null;
            }
            return null;
        }

        private boolean isFresh(Prompt prompt, int which) {
            return !done.has(prompt.index(), which) && done.suspicion(prompt.index(), which) == null;
        }

        private Prompt setAside(Prompt prompt, CrashSuspects.Suspicion suspicion) {
            return prompt.setAside("the row is set aside: its rank died " + suspicion.deaths()
                    + " times while it was under way, the last time with no other row beside it");
        }
    }
}
