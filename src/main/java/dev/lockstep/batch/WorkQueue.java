package dev.lockstep.batch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import dev.lockstep.journal.CrashSuspects;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.world.Block;

/**
 * Deals the samples that are still to be done, on rank 0. Any rank may come at any time and takes what its free slots hold;
 * what begins alike goes to one rank, as long as there is enough for the others.
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
    private final List<Cursor> cursors; // by rank, or one for all
    private int[] samplesOf = new int[0]; // by prompt, 0 where it does not say how many; empty while none does
    private final int ranks;
    // not under the lock: whoever deals may be waiting for the input
    private final AtomicLong dealtToRoot = new AtomicLong();
    private final AtomicLong dealtToOthers = new AtomicLong();
    private int seen;
    private volatile boolean dealing;

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
        this.cursors = inBlocks
                ? IntStream.range(0, ranks).mapToObj(rank -> Cursor.block(prompts,
                        Block.of(prompts.rows().orElseThrow(), rank, ranks), samples, done, this::remember)).toList()
                : List.of(Cursor.all(prompts, ranks, samples, done, this::remember));
    }

    /**
     * @param free  slots that have no sample
     * @param ahead samples besides, so that the rank need not wait when the next slots fall free; not granted near the end,
     *              where they would wait at one rank while another has nothing to do
     * @param idle  nothing is under way on the rank, so that it may get suspects; it gets all of a group, however many
     */
    synchronized Grant deal(int rank, int free, int ahead, boolean idle) {
        dealing = true;
        try {
            return grant(rank, free, ahead, idle);
        } finally {
            dealing = false;
        }
    }

    /** Whether somebody is dealt rows just now, for which the input may be waited for. */
    boolean isDealing() {
        return dealing;
    }

    private Grant grant(int rank, int free, int ahead, boolean idle) {
        Cursor cursor = cursors.get(rank % cursors.size());
        int place = cursors.size() == 1 ? rank : 0;
        long most = free + (left() - free > 2L * ahead * ranks ? (long) ahead : 0L);
        List<Item> items = new ArrayList<>();
        while (most > 0) {
            Item work = cursor.next(place, (int) Math.min(most, Integer.MAX_VALUE));
            if (work == null) {
                break;
            }
            add(work, rank, items);
            most -= work.rows();
        }
        boolean exhausted = cursor.isAtEnd() || most > 0;
        if (!exhausted) {
            return Grant.more(items);
        }
        Deque<List<Item>> apart = cursor.apart();
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
}
