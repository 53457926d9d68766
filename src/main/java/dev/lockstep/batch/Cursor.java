package dev.lockstep.batch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.UsageException;
import dev.lockstep.journal.CrashSuspects;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.prompts.RowOrder;
import dev.lockstep.world.Block;

/**
 * Goes through prompts and leaves out what is done. A rank has a piece of them at a time: rows that begin alike, or the
 * samples of one prompt, so that one rank computes once what they begin with. When no piece is left whole, whoever comes
 * takes of one that another rank has not got all of.
 */
final class Cursor {
    private final RowOrder order;
    private final BitSet pieces;
    private final PromptFile.Rows known;
    private final Iterator<Prompt> rest;
    private final boolean endless;
    private final int samplesOfOthers;
    private final JournalIndex done;
    private final Consumer<Prompt> seen;
    private final List<Piece> begun;
    // by the death that they are held together by, until all prompts have been seen
    private final Map<Integer, List<WorkQueue.Item>> suspects = new LinkedHashMap<>();
    private final Set<Integer> halved = new HashSet<>();
    private final Deque<List<WorkQueue.Item>> apart = new ArrayDeque<>();
    private int next;
    private boolean checked;

    private Cursor(RowOrder order, int ranks, PromptFile.Rows known, Iterator<Prompt> rest, boolean endless,
            int samplesOfOthers, JournalIndex done, Consumer<Prompt> seen) {
        this.order = order;
        // what is more than a rank's share is for several, so it may as well come in the order of the input
        this.pieces = order.pieces((order.size() + ranks - 1) / ranks);
        this.known = known;
        this.rest = rest;
        this.endless = endless;
        this.samplesOfOthers = samplesOfOthers;
        this.done = done;
        this.seen = seen;
        this.begun = Stream.generate(Piece::new).limit(ranks).toList();
    }

    /**
     * @param samples of a prompt that does not say how many
     * @param seen    told of every prompt when it is first dealt of
     */
    static Cursor all(PromptFile prompts, int ranks, int samples, JournalIndex done, Consumer<Prompt> seen) {
        RowOrder order = prompts.order();
        return new Cursor(order, ranks, prompts.reread(0, order.size()), prompts.rest(), prompts.rows().isEmpty(),
                samples, done, seen);
    }

    /** Of a contiguous share of the prompts, which is one rank's alone. */
    static Cursor block(PromptFile prompts, Block block, int samples, JournalIndex done, Consumer<Prompt> seen) {
        return new Cursor(prompts.order().block(block.start(), block.end()), 1,
                prompts.reread(block.start(), block.end()), Collections.emptyIterator(), false, samples, done, seen);
    }

    /** Of what a rank has a piece of, the part that it has not been dealt. */
    private static final class Piece {
        // places in the order
        private int from;
        private int to;
        private @Nullable Prompt prompt;
        private int sample;
        private int samples;

        /** Samples, where a prompt has so many. */
        long left(int samplesOfOthers) {
            return (long) (to - from) * samplesOfOthers + (prompt == null ? 0 : samples - sample);
        }

        void rows(int first, int end) {
            from = first;
            to = end;
        }

        void prompt(Prompt read, int samplesOfOthers) {
            prompt = read;
            sample = 0;
            samples = read.samplesOr(samplesOfOthers);
        }

        /** Gives its last part to another, which has none: half of it, and more where the other has room for more. */
        void split(Piece other, int room, int samplesOfOthers) {
            int unread = to - from;
            if (unread > 0) {
                other.to = to;
                to -= Math.max((unread + 1) / 2, Math.min(unread, room / samplesOfOthers));
                other.from = to;
            } else {
                int left = samples - sample;
                other.prompt = prompt;
                other.samples = samples;
                samples -= Math.max((left + 1) / 2, Math.min(left, room));
                other.sample = samples;
            }
        }
    }

    /**
     * Whether all are dealt; asked of a pipe this would mean waiting for it.
     *
     * @throws UsageException when the input has more now
     */
    boolean isAtEnd() {
        boolean atEnd = next == order.size() && begun.stream().allMatch(piece -> piece.left(samplesOfOthers) == 0);
        if (atEnd && !checked) {
            checked = true;
            known.end();
        }
        return atEnd && !endless;
    }

    /**
     * Suspects that are to be done apart, each group at one go. To be asked when all others are dealt. One piece of
     * them for each rank, so that none stands idle, and at least two where ranks died of suspects alone.
     */
    Deque<List<WorkQueue.Item>> apart() {
        suspects.forEach((death, rows) -> {
            int shares = Math.min(rows.size(), halved.contains(death) ? Math.max(2, begun.size()) : begun.size());
            for (int share = 0; share < shares; share++) {
                Block block = Block.of(rows.size(), share, shares);
                apart.add(List.copyOf(rows.subList(block.start(), block.end())));
            }
        });
        suspects.clear();
        return apart;
    }

    /** At most so many samples of one prompt for a rank, or null when all are dealt. May wait for a pipe. */
    WorkQueue.@Nullable Item next(int rank, int most) {
        Piece piece = begun.get(rank);
        do {
            WorkQueue.Item work = next(piece, most);
            if (work != null) {
                return work;
            }
        } while (begin(piece, most));
        return null;
    }

    /** Gives a rank that has none a piece; false when there is nothing left. What is known goes before what is waited for. */
    private boolean begin(Piece piece, int room) {
        if (next < order.size()) {
            int end = pieces.nextSetBit(next + 1);
            piece.rows(next, end < 0 ? order.size() : end);
            next = piece.to;
            return true;
        }
        Piece largest = Collections.max(begun, Comparator.comparingLong(each -> each.left(samplesOfOthers)));
        if (largest.left(samplesOfOthers) > 0) {
            largest.split(piece, room, samplesOfOthers);
            return true;
        }
        if (rest.hasNext()) {
            read(piece, rest.next());
            return true;
        }
        return false;
    }

    private void read(Piece piece, Prompt prompt) {
        piece.prompt(prompt, samplesOfOthers);
        seen.accept(prompt);
    }

    private WorkQueue.@Nullable Item next(Piece piece, int most) {
        while (piece.prompt != null || piece.from < piece.to) {
            if (piece.prompt == null) {
                read(piece, known.read(order.row(piece.from++)));
            }
            Prompt prompt = Objects.requireNonNull(piece.prompt);
            while (piece.sample < piece.samples) {
                int sample = piece.sample++;
                if (done.has(prompt.index(), sample)) {
                    continue;
                }
                CrashSuspects.Suspicion suspicion = done.suspicion(prompt.index(), sample);
                if (suspicion == null) {
                    while (piece.sample < piece.samples && piece.sample - sample < most
                            && isFresh(prompt, piece.sample)) {
                        piece.sample++;
                    }
                    piece.prompt = piece.sample == piece.samples ? null : prompt;
                    return WorkQueue.Item.of(prompt, sample, piece.sample);
                }
                if (suspicion.setAside()) {
                    return WorkQueue.Item.of(setAside(prompt, suspicion), sample, piece.sample);
                }
                suspects.computeIfAbsent(suspicion.death(), any -> new ArrayList<>())
                        .add(WorkQueue.Item.suspect(prompt, sample));
                if (suspicion.again()) {
                    halved.add(suspicion.death());
                }
            }
            piece.prompt = null;
        }
        return null;
    }

    private boolean isFresh(Prompt prompt, int which) {
        return !done.has(prompt.index(), which) && done.suspicion(prompt.index(), which) == null;
    }

    private static Prompt setAside(Prompt prompt, CrashSuspects.Suspicion suspicion) {
        return prompt.setAside("the row is set aside: its rank died " + suspicion.deaths()
                + " times while it was under way, the last time with no other row beside it");
    }
}
