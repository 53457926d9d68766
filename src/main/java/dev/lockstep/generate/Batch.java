package dev.lockstep.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.IntConsumer;

import ai.djl.engine.EngineException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.model.Decoder;
import dev.lockstep.model.TokenLogprobs;

/** Rows on their way through the decoder's slots, from a source until it has no more. */
final class Batch {
    /** Prompt tokens of one prefill pass: enough to keep a device busy, few enough that decoding rows do not wait long. */
    static final int PREFILL_TOKENS = 2048;

    private static final Logger LOG = LoggerFactory.getLogger(Batch.class);

    private final Decoder decoder;
    private final Room room;
    private final Function<int[], String> text;
    private final RequestSource source;
    private final RowListener listener;
    private final IntConsumer beforeDecoding;
    private final Deque<Request> waiting = new ArrayDeque<>();
    // by slot
    private final List<Row> rows = new ArrayList<>();
    private int slots;
    private boolean shrunk;
    private long tokens;
    private long prefillNanos;
    private long decodeNanos;
    private long waitNanos;
    private long steps;

    /** @param beforeDecoding sees the number of rows before the decoder does */
    Batch(Decoder decoder, Room room, Function<int[], String> text, RequestSource source, int slots,
            RowListener listener, IntConsumer beforeDecoding) {
        this.decoder = decoder;
        this.room = room;
        this.text = text;
        this.source = source;
        this.slots = slots;
        this.listener = listener;
        this.beforeDecoding = beforeDecoding;
    }

    void run() {
        while (fill()) {
            try {
                advance();
            } catch (EngineException e) {
                if (!isOutOfMemory(e)) {
                    throw e;
                }
                shrink();
            }
            retire();
            listener.stepped(tokens, timing());
        }
    }

    /** Brings in requests for the free slots; false when all is done. */
    private boolean fill() {
        while (true) {
            int free = slots - rows.size() - waiting.size();
            boolean idle = rows.isEmpty() && waiting.isEmpty();
            long start = System.nanoTime();
            List<Request> taken = free > 0 ? source.take(free, idle) : List.of();
            waitNanos += idle ? System.nanoTime() - start : 0;
            for (Request request : taken) {
                String error = error(request);
                if (error == null) {
                    waiting.add(request);
                } else {
                    listener.finished(request, failed(request, error));
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

    private String error(Request request) {
        int context = decoder.config().contextLength();
        int vocabulary = decoder.config().vocabulary();
        return error(request, context, vocabulary);
    }

    /** Why a request cannot be generated, or null. */
    static String error(Request request, int context, int vocabulary) {
        if (request.promptIds().length == 0) {
            return "the prompt has no tokens";
        }
        if (request.promptIds().length >= context) {
            return "the prompt has " + request.promptIds().length + " tokens, and the model's context of " + context
                    + " leaves no room for a new one";
        }
        if (Arrays.stream(request.promptIds()).anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "the prompt has a token that is not in the model's vocabulary of " + vocabulary;
        }
        if (request.params().eosTokenIds().stream().anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "an end token is not in the model's vocabulary of " + vocabulary;
        }
        return null;
    }

    private static Completion failed(Request request, String error) {
        return new Completion(request.index(), request.sample(), new int[0], "", request.promptIds().length,
                FinishReason.ERROR, error, null);
    }

    private void advance() {
        if (rows.isEmpty() && !room.holds(waiting.peek(), slots)) {
            room.reserveForMore(waiting, slots);
        }
        int before = rows.size();
        List<Decoder.Admission> admissions = admit();
        beforeDecoding.accept(rows.size());
        long start = System.nanoTime();
        if (!admissions.isEmpty()) {
            int[] first = decoder.prefill(admissions);
            TokenLogprobs[] likely = isRanked(before) ? decoder.firstLogprobs() : null;
            prefillNanos += System.nanoTime() - start;
            take(before, first, likely);
        } else {
            int[][] chosen = decoder.step(rows.size(), stepsAtOnce());
            TokenLogprobs[][] likely = isRanked(0) ? decoder.logprobs(rows.size(), chosen.length) : null;
            decodeNanos += System.nanoTime() - start;
            steps += chosen.length;
            for (int step = 0; step < chosen.length; step++) {
                take(0, chosen[step], likely == null ? null : likely[step]);
            }
        }
    }

    /** Rows for the free slots, in order; one that needs more room than there is waits until the others have ended. */
    private List<Decoder.Admission> admit() {
        List<Decoder.Admission> admissions = new ArrayList<>();
        List<Request> starting = new ArrayList<>();
        int budget = PREFILL_TOKENS;
        while (!waiting.isEmpty() && rows.size() < slots && room.holds(waiting.peek(), slots)) {
            budget -= waiting.peek().promptIds().length;
            if (budget < 0 && !admissions.isEmpty()) {
                break;
            }
            Request request = waiting.remove();
            Row row = new Row(request, room.limit(request), text);
            admissions.add(new Decoder.Admission(rows.size(), request.promptIds(), row.settings()));
            rows.add(row);
            starting.add(request);
        }
        if (!starting.isEmpty()) {
            listener.starting(starting);
        }
        return admissions;
    }

    /**
     * How many steps before the next look at what was chosen. A GPU would stand still at each look, so it is not looked
     * at before a row must end; a row that ends by itself in between runs along, and its further tokens are dropped.
     */
    private int stepsAtOnce() {
        if (decoder.device().equals("cpu")) {
            return 1;
        }
        return Math.min(Decoder.LOOKAHEAD, rows.stream().mapToInt(Row::remaining).min().orElseThrow());
    }

    /** Whether a row from this slot on wants to know how likely its tokens are. */
    private boolean isRanked(int from) {
        return rows.subList(from, rows.size()).stream().anyMatch(Row::isRanked);
    }

    /** Hands each row its token; one that is finished takes no more. */
    private void take(int from, int[] chosen, TokenLogprobs[] likely) {
        for (int i = 0; i < chosen.length; i++) {
            Row row = rows.get(from + i);
            if (!row.isFinished()) {
                row.add(chosen[i], likely == null ? null : likely[i]);
                tokens++;
            }
        }
    }

    /** Takes finished rows out; the last row moves into the slot that fell free, so that slots have no holes. */
    private void retire() {
        for (int slot = rows.size() - 1; slot >= 0; slot--) {
            Row row = rows.get(slot);
            if (!row.isFinished()) {
                continue;
            }
            int last = rows.size() - 1;
            if (slot < last) {
                decoder.move(last, slot);
                rows.set(slot, rows.get(last));
            }
            rows.remove(last);
            listener.finished(row.request(), row.completion());
        }
    }

    /**
     * The device has no memory for so many rows: those under way begin again, half as many at a time. They come to the
     * same text, which depends neither on when nor beside whom a row runs.
     */
    private void shrink() {
        for (int slot = rows.size() - 1; slot >= 0; slot--) {
            tokens -= rows.get(slot).count();
            waiting.addFirst(rows.get(slot).request());
        }
        rows.clear();
        room.forget();
        if (slots == 1) {
            Request request = waiting.remove();
            listener.finished(request, failed(request, "the device's memory does not suffice for this row alone"));
            return;
        }
        if (!shrunk) {
            shrunk = true;
            LOG.warn("out of memory with {} rows at a time; the rows under way begin again, {} at a time", slots,
                    slots / 2);
        }
        slots /= 2;
    }

    static boolean isOutOfMemory(EngineException e) {
        String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        // libtorch's words on CUDA and on CPU
        return message.contains("out of memory") || message.contains("can't allocate memory");
    }

    /** Where the time of this run went. */
    Timing timing() {
        return new Timing(prefillNanos / 1e9, decodeNanos / 1e9, waitNanos / 1e9, steps);
    }
}
