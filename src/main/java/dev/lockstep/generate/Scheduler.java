package dev.lockstep.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.LongStream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.decoder.Admission;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.Drafts;
import dev.lockstep.decoder.NextTokens;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.decoder.sampling.LogitEdits;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.ReplicaException;
import dev.lockstep.torch.OutOfDeviceMemoryException;

/** Sequences on their way through the decoder's slots, from a source until it has no more. */
final class Scheduler {
    /** For so many prompt tokens the sequences that decode get a step of their own before the next pass. */
    private static final int TOKENS_PER_STEP = 256;
    /** So many prompt tokens are worth a pass; and so is one of so many slots that is free. */
    private static final int TOKENS_WORTH_A_PASS = 512;
    private static final int SLOTS_KEPT_FULL = 16;
    /** The ranks of a replica compare what they have decided as often as this. */
    private static final int ROUNDS_BETWEEN_CHECKS = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Scheduler.class);

    private final Decoder decoder;
    private final CacheReservation reservation;
    private final Function<int[], String> text;
    private final @Nullable GuidedTokens guided;
    private final RequestSource source;
    private final SequenceListener listener;
    private final IntConsumer beforeDecoding;
    private final GrowthForecast forecast;
    // null: nothing is drafted
    private final @Nullable Speculation speculation;
    // those that were interrupted come first
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    // by slot; of the last one the prompt may not be complete, the others decode
    private final List<Sequence> sequences = new ArrayList<>();
    private final int prefillTokens;
    private int slots;
    // since no sequence decoded there was no step, so no sequence starves while prompts come
    private boolean filling;
    private int stepsOwed;
    private boolean shrunk;
    private long begun;
    private long interruptions;
    private long promptTokens;
    private long sharedTokens;
    private long heldTokens;
    private long aliveTokens;
    private long tokens;
    private long prefillNanos;
    private long decodeNanos;
    private long waitNanos;
    private long steps;
    private long drafted;
    private long right;
    private long rounds;
    private long word; // of all that was chosen

    /**
     * @param prefillTokens  prompt tokens of one pass
     * @param costOfLooking  {@link Speculation#costOfLooking}; null where nothing is drafted
     * @param beforeDecoding sees the number of sequences before the decoder does
     */
    Scheduler(Decoder decoder, CacheReservation reservation, Function<int[], String> text,
            @Nullable GuidedTokens guided, RequestSource source,
            int slots,
            int prefillTokens, @Nullable Double costOfLooking,
            SequenceListener listener, IntConsumer beforeDecoding) {
        this.decoder = decoder;
        this.forecast = new GrowthForecast(decoder);
        this.speculation = costOfLooking == null ? null : new Speculation(decoder, costOfLooking);
        this.reservation = reservation;
        this.text = text;
        this.guided = guided;
        this.source = source;
        this.slots = slots;
        this.prefillTokens = prefillTokens;
        this.listener = listener;
        this.beforeDecoding = beforeDecoding;
    }

    void run() {
        try {
            while (fill()) {
                try {
                    advance();
                } catch (OutOfDeviceMemoryException e) {
                    shrink();
                }
                retire();
                listener.stepped(tokens, timing());
                if (++rounds % ROUNDS_BETWEEN_CHECKS == 0) {
                    check();
                }
            }
            check();
        } finally {
            // the next run finds slots empty, also after an exception of the listener's
            for (int slot = 0; slot < sequences.size(); slot++) {
                decoder.vacate(slot);
            }
        }
    }

    /** The ranks of a replica have come to the same tokens of the same sequences. */
    private void check() {
        Replica replica = decoder.replica();
        if (replica.size() > 1 && replica.least(word) != ~replica.least(~word)) {
            throw new ReplicaException(
                    "the ranks that compute the model together have chosen different tokens, of which"
                            + " one would be wrong: their hardware or libraries differ or fail",
                    null);
        }
    }

    /** Brings in requests for the free slots; false when all is done. */
    private boolean fill() {
        while (true) {
            int free = slots - sequences.size() - waiting.size();
            boolean idle = sequences.isEmpty() && waiting.isEmpty();
            long start = System.nanoTime();
            List<Request> taken = free > 0 ? source.take(free, idle) : List.of();
            waitNanos += idle ? System.nanoTime() - start : 0;
            for (Request request : taken) {
                String error = RequestErrors.of(request, decoder.config(), guided);
                if (error == null) {
                    waiting.add(new Sequence(request, reservation.limit(request), decoder.config().vocabulary(), text,
                            guided));
                } else {
                    listener.finished(request, Completion.failed(request, error));
                }
            }
            if (!idle || !waiting.isEmpty()) {
                return true;
            }
            if (taken.isEmpty()) {
                return false;
            }
        }
    }

    private void advance() {
        if (sequences.isEmpty() && !reservation.holdsAlone(waiting.element().request(), slots)) {
            reservation.reserveForMore(waiting.stream().map(Sequence::request).toList(), slots);
        }
        int decoding = decoding();
        filling |= decoding == 0;
        if (isPromptNext() && (filling || stepsOwed == 0)) {
            prefill(decoding);
        } else if (decoding > 0) {
            decode();
        } else {
            fail(waiting.remove());
        }
    }

    /** How many sequences have their whole prompt; they are in the slots from 0 on. */
    private int decoding() {
        int last = sequences.size() - 1;
        return last < 0 || sequences.get(last).isComplete() ? sequences.size() : last;
    }

    /** Whether there are prompt tokens to bring. */
    private boolean isPromptNext() {
        return decoding() < sequences.size() || isWaitingNext() && isWorthAPass();
    }

    /**
     * A pass takes a GPU as long for a few tokens as for some hundred, so a few free slots wait for more of them, or for
     * longer prompts; there may be too few prompts to fill them.
     */
    private boolean isWorthAPass() {
        int free = slots - sequences.size();
        return decoder.device().isCpu() || decoding() == 0 || free * SLOTS_KEPT_FULL >= slots
                || waiting.stream().limit(free).mapToInt(Sequence::length).sum() >= TOKENS_WORTH_A_PASS;
    }

    private boolean isWaitingNext() {
        return !waiting.isEmpty() && isRoomFor(waiting.element());
    }

    /**
     * Whether a sequence can begin: there is a slot, and what it and the others will probably want fits into the cache. One
     * that needs another kind of slot waits until all have ended; alone, each one begins.
     */
    private boolean isRoomFor(Sequence next) {
        return sequences.size() < slots && reservation.holds(next.request(), slots)
                && decoder.wantedPages(next.sharable(), next.reach())
                        + decoder.pages(next.start().length) - decoder.pages(next.sharable().length)
                        + (sequences.isEmpty() ? 0 : forecast.pages(sequences, next)) <= decoder.availablePages();
    }

    private void prefill(int decoding) {
        List<Admission> pieces = pieces();
        decoder.onAllRanks(() -> {
            beforeDecoding.accept(sequences.size());
            decoder.makeRoom(pieces);
        });
        long start = System.nanoTime();
        decoder.edit(edits(decoding, decoding()));
        decoder.keepStates(pieces.stream().anyMatch(piece -> sequences.get(piece.slot()).pooled() != null));
        int[] first = decoder.prefill(pieces);
        score(pieces, decoder.scores());
        pool(pieces);
        boolean ranked = isRanked(decoding, decoding + first.length);
        TokenLogprobs[] likely = ranked ? decoder.firstLogprobs() : null;
        prefillNanos += System.nanoTime() - start;
        take(decoding, first, likely);
        int brought = pieces.stream().mapToInt(Admission::brought).sum();
        promptTokens += brought;
        stepsOwed = (brought + TOKENS_PER_STEP - 1) / TOKENS_PER_STEP;
    }

    private void score(List<Admission> pieces, TokenLogprobs[] scores) {
        int at = 0;
        for (Admission piece : pieces) {
            sequences.get(piece.slot()).score(Arrays.copyOfRange(scores, at, at + piece.scoredHere()));
            at += piece.scoredHere();
        }
    }

    /** Hands sequences that come to embeddings the hidden states that count. */
    private void pool(List<Admission> pieces) {
        List<PooledStates> to = new ArrayList<>();
        LongStream.Builder begins = LongStream.builder();
        LongStream.Builder ends = LongStream.builder();
        int at = 0;
        for (Admission piece : pieces) {
            PooledStates pooled = sequences.get(piece.slot()).pooled();
            if (pooled != null && pooled.first(piece.from(), piece.to()) < piece.to()) {
                to.add(pooled);
                begins.add(at + pooled.first(piece.from(), piece.to()) - piece.from());
                ends.add(at + pooled.end(piece.from(), piece.to()) - piece.from());
            }
            at += piece.brought();
        }
        if (!to.isEmpty()) {
            float[][] sums = decoder.states(begins.build().toArray(), ends.build().toArray());
            for (int i = 0; i < sums.length; i++) {
                to.get(i).add(sums[i]);
            }
        }
    }

    /**
     * Prompts for the free slots, in order and as many as one pass holds. One that is longer than a pass begins one and
     * comes in pieces, and so does one of which more is to be scored; others are not cut. What two prompts begin with alike comes with the first of them, and the second
     * waits for it, while those behind it that need not go before it.
     */
    private List<Admission> pieces() {
        List<Admission> pieces = new ArrayList<>();
        List<Request> starting = new ArrayList<>();
        Set<Object> coming = new HashSet<>();
        int budget = prefillTokens;
        int scores = Decoder.MOST_SCORED;
        if (decoding() < sequences.size()) {
            Sequence last = sequences.get(sequences.size() - 1);
            addNonNull(coming, decoder.firstMissing(last.sharable(), last.reach()));
            pieces.add(last.piece(sequences.size() - 1, budget, scores));
            budget -= pieces.get(0).brought();
            scores -= pieces.get(0).scoredHere();
        }
        Iterator<Sequence> candidates = waiting.iterator();
        // one that is not complete is the last
        while (budget > 0 && decoding() == sequences.size() && sequences.size() < slots && candidates.hasNext()) {
            Sequence next = candidates.next();
            int[] start = next.sharable();
            Object missing = decoder.firstMissing(start, next.reach());
            if (missing != null && coming.contains(missing)) {
                continue;
            }
            int there = decoder.shared(start, next.reach());
            if (!pieces.isEmpty() && (next.start().length - there > budget || next.scored() > scores)
                    || !isRoomFor(next)) {
                break;
            }
            int slot = sequences.size();
            reservation.widen(next.reach());
            candidates.remove();
            if (!next.hasBegun()) {
                starting.add(next.request());
            }
            decoder.attach(slot, start, next.reach());
            next.begin(begun++, there);
            sharedTokens += there;
            addNonNull(coming, missing);
            sequences.add(next);
            Admission piece = next.piece(slot, budget, scores);
            pieces.add(piece);
            budget -= piece.brought();
            scores -= piece.scoredHere();
        }
        if (!starting.isEmpty()) {
            listener.starting(starting);
        }
        return pieces;
    }

    private static void addNonNull(Set<Object> to, @Nullable Object what) {
        if (what != null) {
            to.add(what);
        }
    }

    /** A row that the whole cache does not hold. */
    private void fail(Sequence sequence) {
        int fit = 0;
        for (int bit = Integer.highestOneBit(decoder.config().contextLength()); bit > 0; bit >>= 1) {
            fit += decoder.pages(fit + bit) <= decoder.availablePages() ? bit : 0;
        }
        sequence.fail(
                "the device's memory has room for the keys and values of " + fit + " tokens, and this row has more");
        listener.finished(sequence.request(), sequence.completion());
    }

    /** Takes a step beside drafts if that is worth it; else does nothing and says false. */
    private boolean speculate() {
        int decoding = decoding();
        if (speculation == null || decoding < sequences.size() || isRuled(decoding)) {
            return false;
        }
        long start = System.nanoTime();
        Drafts drafts = speculation.drafts(sequences, reservation.slots() - decoding);
        if (drafts == null || decoder.lackingForSteps(decoding, 1 + drafts.longest()) > decoder.availablePages()) {
            return false;
        }
        beforeDecoding.accept(decoding);
        boolean ranked = isRanked(0, decoding);
        List<NextTokens> chosen = decoder.step(decoding, drafts);
        TokenLogprobs[] likely = ranked ? decoder.logprobs(decoding + drafts.count(), 1)[0] : null;
        decodeNanos += System.nanoTime() - start;
        stepped(1);
        for (int row = 0; row < decoding; row++) {
            NextTokens one = chosen.get(row);
            int before = sequences.get(row).count();
            sequences.get(row).took(drafts.byRow().get(row).length, one.tokens().length - 1);
            for (int i = 0; i < one.tokens().length; i++) {
                take(row, new int[]{one.tokens()[i]},
                        likely == null ? null : new TokenLogprobs[]{likely[one.slots()[i]]});
            }
            right += Math.max(0, sequences.get(row).count() - before - 1);
        }
        drafted += drafts.count();
        return true;
    }

    private void stepped(int more) {
        filling = false;
        stepsOwed = Math.max(0, stepsOwed - more);
        steps += more;
        heldTokens += reservation.pagesInUse() * decoder.pageBytes(0) / decoder.tokenBytes();
        aliveTokens += sequences.stream().mapToLong(Sequence::length).sum();
    }

    private void decode() {
        if (speculate()) {
            return;
        }
        int stepsNow = stepsAtOnce(decoding());
        while (decoder.lackingForSteps(decoding(), stepsNow) > decoder.availablePages()) {
            if (stepsNow > 1) {
                stepsNow = 1;
            } else if (sequences.size() == 1) {
                Sequence only = sequences.get(0);
                remove(0);
                fail(only);
                return;
            } else {
                interruptYoungest();
            }
        }
        int decoding = decoding();
        beforeDecoding.accept(sequences.size());
        long start = System.nanoTime();
        boolean ruled = isRuled(decoding);
        // of rules each step's tokens are seen before the next is chosen
        int[][] chosen = ruled ? decoder.step(decoding, stepsNow, last -> {
            if (last != null) {
                take(0, last, null);
            }
            return edits(0, decoding);
        }) : decoder.step(decoding, stepsNow);
        TokenLogprobs[][] likely = isRanked(0, decoding) ? decoder.logprobs(decoding, stepsNow) : null;
        decodeNanos += System.nanoTime() - start;
        stepped(stepsNow);
        for (int step = ruled ? stepsNow - 1 : 0; step < stepsNow; step++) {
            take(0, chosen[step], likely == null ? null : likely[step]);
        }
        if (speculation != null) {
            int without = stepsNow;
            sequences.subList(0, decoding).forEach(sequence -> sequence.rested(without));
        }
    }

    /** What the rules of these slots' sequences do to the logits of their next tokens. */
    private List<LogitEdits> edits(int from, int to) {
        return sequences.subList(from, to).stream().map(Sequence::edits).toList();
    }

    private boolean isRuled(int decoding) {
        return sequences.subList(0, decoding).stream().anyMatch(Sequence::isRuled);
    }

    /**
     * How many steps before the next look at what was chosen. A GPU would stand still at each look, so it is not looked
     * at before a sequence must end; a sequence that ends by itself in between runs along, and its further tokens are dropped.
     * Prompts that wait do so for the steps that are owed. How likely tokens are is not known before the last of the steps, so
     * beside rules, which see each token, there is one.
     */
    private int stepsAtOnce(int decoding) {
        if (decoder.device().isCpu() || isRuled(decoding) && isRanked(0, decoding)) {
            return 1;
        }
        int most = isPromptNext() ? Math.min(stepsOwed, Decoder.LOOKAHEAD) : Decoder.LOOKAHEAD;
        if (speculation != null) {
            most = Math.min(most, speculation.unseenSteps());
        }
        return Math.min(most,
                sequences.subList(0, decoding).stream().mapToInt(Sequence::remaining).min().orElseThrow());
    }

    /** Whether a sequence of these slots wants to know how likely its tokens are. */
    private boolean isRanked(int from, int to) {
        return sequences.subList(from, to).stream().anyMatch(Sequence::isRanked);
    }

    /** Hands each sequence its token; one that is finished takes no more. */
    private void take(int from, int[] chosen, TokenLogprobs @Nullable [] likely) {
        for (int i = 0; i < chosen.length; i++) {
            Sequence sequence = sequences.get(from + i);
            word = (word * 31 + sequence.request().index()) * 31 + chosen[i];
            if (!sequence.isFinished()) {
                int before = sequence.count();
                sequence.add(chosen[i], likely == null ? null : likely[i]);
                tokens += sequence.count() - before;
            }
        }
    }

    /** Takes sequences out that are finished, or begin again. */
    private void retire() {
        for (int slot = decoding() - 1; slot >= 0; slot--) {
            Sequence sequence = sequences.get(slot);
            if (sequence.isFinished()) {
                remove(slot);
                forecast.ended(sequence);
                listener.finished(sequence.request(), sequence.completion());
            } else if (sequence.isAgain()) {
                remove(slot);
                sequence.beginAgain();
                waiting.addFirst(sequence);
            }
        }
    }

    /** There are no pages left for a step: the sequence that came last gives its own, and goes on when there are more. */
    private void interruptYoungest() {
        Sequence youngest = Collections.max(sequences, Comparator.comparingLong(Sequence::begun));
        remove(sequences.indexOf(youngest));
        interrupt(youngest);
        interruptions++;
        waiting.addFirst(youngest);
    }

    /** What a pass over many tokens leaves in the cache is not to the bit what steps leave, so these are taken again for the same text. */
    private void interrupt(Sequence sequence) {
        tokens -= decoder.isSameText() ? sequence.count() : 0;
        sequence.interrupt(!decoder.isSameText());
    }

    /** Empties a slot; the last sequences move up, so that slots have no holes. */
    private void remove(int slot) {
        int decoding = decoding();
        int last = sequences.size() - 1;
        decoder.vacate(slot);
        int hole = slot;
        if (slot < decoding) {
            move(decoding - 1, slot);
            hole = decoding - 1;
        }
        move(last, hole);
        sequences.remove(last);
    }

    private void move(int source, int target) {
        if (source != target) {
            decoder.move(source, target);
            sequences.set(target, sequences.get(source));
        }
    }

    /**
     * The device has no memory for so many sequences: those under way begin again, half as many at a time. They come to the
     * same text, which depends neither on when nor beside whom a sequence runs.
     */
    private void shrink() {
        for (int slot = sequences.size() - 1; slot >= 0; slot--) {
            interrupt(sequences.get(slot));
            waiting.addFirst(sequences.get(slot));
        }
        sequences.clear();
        stepsOwed = 0;
        reservation.shrink();
        if (slots == 1) {
            Sequence alone = waiting.remove();
            alone.fail("the device does not have enough memory for this row even alone");
            listener.finished(alone.request(), alone.completion());
            return;
        }
        if (!shrunk) {
            shrunk = true;
            LOG.warn("out of memory with {} rows at a time; the rows under way begin again, {} at a time", slots,
                    slots / 2);
        }
        slots /= 2;
    }

    /** What became of prompts in this run. */
    CacheUse cacheUse() {
        return new CacheUse(promptTokens, sharedTokens, interruptions, heldTokens, aliveTokens);
    }

    /** What was drafted in this run. */
    Drafted drafted() {
        return new Drafted(drafted, right);
    }

    /** Where the time of this run went. */
    Timing timing() {
        return new Timing(prefillNanos / 1e9, decodeNanos / 1e9, waitNanos / 1e9, steps);
    }
}
