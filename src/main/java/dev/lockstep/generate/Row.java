package dev.lockstep.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

import dev.lockstep.model.Decoder;
import dev.lockstep.model.RowSettings;
import dev.lockstep.model.TokenLogprobs;

/** One request while it is being generated. */
final class Row {
    private final Request request;
    private final int limit;
    private final int longestStop;
    private final Function<int[], String> decoding;
    private final int[] tokens;
    // null: not wanted
    private final List<TokenLogprobs> logprobs;
    private int brought;
    private int count;
    private FinishReason finish;
    private String text;

    /**
     * @param limit    at most so many new tokens, by the request or by the context
     * @param decoding tokens to text
     */
    Row(Request request, int limit, Function<int[], String> decoding) {
        this.decoding = decoding;
        this.request = request;
        this.limit = limit;
        this.longestStop = request.params().stop().stream().mapToInt(String::length).max().orElse(0);
        this.tokens = new int[limit];
        this.logprobs = request.params().logprobs() == SamplingParams.NO_LOGPROBS ? null : new ArrayList<>();
    }

    Request request() {
        return request;
    }

    /**
     * The next piece of its prompt, which then counts as brought.
     *
     * @param most tokens of the piece
     */
    Decoder.Admission piece(int slot, int most) {
        int from = brought;
        brought = Math.min(request.promptIds().length, from + most);
        return new Decoder.Admission(slot, request.promptIds(), from, brought, settings());
    }

    /** Whether its whole prompt has been brought. */
    boolean isComplete() {
        return brought == request.promptIds().length;
    }

    boolean isFinished() {
        return finish != null;
    }

    /** Its tokens so far. */
    int count() {
        return count;
    }

    /** So many more tokens at most. */
    int remaining() {
        return limit - count;
    }

    /** Whether it wants to know how likely its tokens are. */
    boolean isRanked() {
        return logprobs != null;
    }

    /**
     * Takes the next token and finds out whether it is the last.
     *
     * @param likely null where the row does not want to know
     */
    void add(int token, TokenLogprobs likely) {
        tokens[count++] = token;
        if (logprobs != null) {
            logprobs.add(likely.withBest(request.params().logprobs()));
        }
        SamplingParams params = request.params();
        if (!params.ignoreEos() && params.eosTokenIds().contains(token)) {
            finish = FinishReason.EOS;
            text = decode(0, count - 1);
        } else if (longestStop > 0 && stops()) {
            finish = FinishReason.STOP;
        } else if (count == limit) {
            finish = FinishReason.LENGTH;
            text = decode(0, count);
        }
    }

    /**
     * Looks for stop strings in the text's end: a token is at least one byte and a character at most four, so whatever
     * the new token completes lies within the last {@code 4 * longestStop + 4} tokens.
     */
    private boolean stops() {
        String tail = decode(Math.max(0, count - 4 * longestStop - 4), count);
        if (request.params().stop().stream().noneMatch(tail::contains)) {
            return false;
        }
        String whole = decode(0, count);
        int cut = request.params().stop().stream().mapToInt(whole::indexOf).filter(at -> at >= 0).min().orElse(-1);
        if (cut >= 0) {
            text = whole.substring(0, cut);
        }
        return cut >= 0;
    }

    private String decode(int from, int to) {
        return decoding.apply(Arrays.copyOfRange(tokens, from, to));
    }

    /** What became of the request, once it is finished. */
    Completion completion() {
        return new Completion(request.index(), request.sample(), Arrays.copyOf(tokens, count), text,
                request.promptIds().length, finish, null, logprobs);
    }

    /** The settings by which the decoder chooses this row's tokens. */
    RowSettings settings() {
        SamplingParams params = request.params();
        int[] ends = params.ignoreEos() ? new int[0] : params.eosTokenIds().stream().mapToInt(id -> id).toArray();
        return new RowSettings(params.greedy(), params.temperature(), params.topK(), params.topP(), params.minP(),
                params.repetitionPenalty(), params.presencePenalty(), params.frequencyPenalty(),
                params.minNewTokens(), ends, randomKey(), logprobs != null);
    }

    /** A function of seed, prompt and sample alone, so that where and when a row runs does not change its text. */
    private long randomKey() {
        long key = mix(request.params().seed());
        key = mix(key + request.index());
        return mix(key + request.sample());
    }

    /** SplitMix64 (Steele, Lea, Flood 2014): one step of its sequence from {@code z}. */
    private static long mix(long z) {
        z += 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
