package dev.lockstep.job;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

import dev.lockstep.world.Block;

/**
 * Deals the rows that are still to be done, on rank 0. Any rank may come at any time and takes what its free slots hold.
 * Rows that a rank died of come last, each to be done alone, so that a second death is no other row's fault.
 */
final class Dealer {
    private static final int STRIKES = 2;

    /**
     * Samples of one prompt.
     *
     * @param from  the first
     * @param to    the one after the last
     * @param alone nothing else may be under way on the rank
     */
    record Work(Prompt prompt, int from, int to, boolean alone) {
        int rows() {
            return to - from;
        }
    }

    /** @param over there will be no more for this rank */
    record Hand(List<Work> work, boolean over) {}

    private final JournalIndex done;
    private final int samplesOfOthers;
    private final OptionalInt prompts;
    private final OptionalLong results;
    private final Cursor[] cursors; // by rank; all the same one unless the rows are split in blocks
    private final Deque<Work> alone = new ArrayDeque<>();
    private final int ranks;
    // not under the lock: whoever deals may be waiting for the input
    private final AtomicLong dealtToRoot = new AtomicLong();
    private final AtomicLong dealtToOthers = new AtomicLong();
    private int seen;
    private long resultsSeen;

    /**
     * @param samples  of a prompt that does not say how many
     * @param inBlocks each rank gets a contiguous share of the prompts, the same size for all
     * @param done     results that there are
     */
    Dealer(Prompts prompts, int ranks, boolean inBlocks, int samples, JournalIndex done) {
        this.done = done;
        this.samplesOfOthers = samples;
        this.prompts = prompts.rows();
        this.results = prompts.results();
        this.ranks = ranks;
        this.cursors = new Cursor[ranks];
        Cursor all = inBlocks ? null : new Cursor(prompts.all());
        for (int rank = 0; rank < ranks; rank++) {
            cursors[rank] = inBlocks
                    ? new Cursor(prompts.block(Block.of(prompts.rows().orElseThrow(), rank, ranks)))
                    : all;
        }
    }

    /**
     * @param free  slots that have no row
     * @param ahead rows besides, so that the rank need not wait when the next slots fall free; not granted near the end,
     *              where they would wait at one rank while another has nothing to do
     */
    synchronized Hand deal(int rank, int free, int ahead) {
        long most = free + (left() - free > 2L * ahead * ranks ? ahead : 0);
        List<Work> hand = new ArrayList<>();
        while (most > 0) {
            Work work = cursors[rank].next((int) Math.min(most, Integer.MAX_VALUE));
            if (work == null) {
                break;
            }
            add(work, rank, hand);
            most -= work.rows();
        }
        boolean exhausted = most > 0 || cursors[rank].isAtEnd();
        if (exhausted && hand.isEmpty() && free > 0 && !alone.isEmpty()) {
            add(alone.remove(), rank, hand);
        }
        return new Hand(hand, exhausted && alone.isEmpty());
    }

    private void add(Work work, int rank, List<Work> hand) {
        hand.add(work);
        (rank == 0 ? dealtToRoot : dealtToOthers).addAndGet(work.rows());
    }

    /**
     * Rows that rank 0 is to count as its own when it says how far it is: those it was dealt and, where the number of
     * prompts is known, those that nobody was.
     */
    long notDealtToOthers() {
        return results.isPresent() ? toDo() - dealtToOthers.get() : dealtToRoot.get();
    }

    /** Prompts of the input; all of them once everything is dealt. */
    synchronized int prompts() {
        return prompts.orElse(seen);
    }

    /** Results that they ask for, with the same reserve. */
    synchronized long results() {
        return results.orElse(resultsSeen);
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
        private Prompt prompt;
        private int samples;
        private int sample;

        Cursor(Iterator<Prompt> source) {
            this.source = source;
        }

        /** Asked of a pipe this would mean waiting for it. */
        boolean isAtEnd() {
            return prompts.isPresent() && prompt == null && !source.hasNext();
        }

        Work next(int most) {
            while (prompt != null || source.hasNext()) {
                if (prompt == null) {
                    prompt = source.next();
                    sample = 0;
                    samples = prompt.samplesOr(samplesOfOthers);
                    seen++;
                    resultsSeen += samples;
                }
                while (sample < samples) {
                    int strikes = done.strikes(prompt.index(), sample);
                    if (done.has(prompt.index(), sample)) {
                        sample++;
                    } else if (strikes >= STRIKES) {
                        return new Work(setAside(), sample, ++sample, false);
                    } else if (strikes > 0) {
                        alone.add(new Work(prompt, sample, ++sample, true));
                    } else {
                        int from = sample;
                        while (sample < samples && sample - from < most && isFresh(sample)) {
                            sample++;
                        }
                        Work work = new Work(prompt, from, sample, false);
                        prompt = sample == samples ? null : prompt;
                        return work;
                    }
                }
                prompt = null;
            }
            return null;
        }

        private boolean isFresh(int which) {
            return !done.has(prompt.index(), which) && done.strikes(prompt.index(), which) == 0;
        }

        private Prompt setAside() {
            return new Prompt(prompt.index(), prompt.id(), prompt.text(), prompt.overrides(), "the row is set aside: "
                    + "its rank died " + STRIKES + " times while it was under way");
        }
    }
}
