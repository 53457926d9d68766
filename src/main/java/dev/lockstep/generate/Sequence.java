package dev.lockstep.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.LogitEdits;
import dev.lockstep.decoder.RowSampling;
import dev.lockstep.decoder.SamplingRefinements;
import dev.lockstep.decoder.TokenLogprobs;

/** One request while it is being generated. */
final class Sequence {
    private final Request request;
    private final int limit;
    private final int longestStop;
    private final Function<int[], String> decoding;
    private final int[] tokens;
    private final AppliedTokenRules rules;
    // prompt and text, as the rules want them; null: there are none
    private final int @Nullable [] history;
    // null: not wanted
    private final @Nullable List<TokenLogprobs> logprobs;
    private int brought;
    private int count;
    private @Nullable FinishReason finish;
    private String text = "";
    private @Nullable String error;

    /**
     * @param limit      at most so many new tokens, by the request or by the context
     * @param vocabulary the model's
     * @param decoding   tokens to text
     */
    Sequence(Request request, int limit, int vocabulary, Function<int[], String> decoding) {
        this.decoding = decoding;
        this.request = request;
        this.limit = limit;
        this.longestStop = request.params().stop().stream().mapToInt(String::length).max().orElse(0);
        this.tokens = new int[limit];
        int prompt = request.promptIds().length;
        this.rules = new AppliedTokenRules(request.params().rules(), request.params().eosTokenIds(), vocabulary, prompt,
                limit);
        this.history = rules.isEmpty() ? null : Arrays.copyOf(request.promptIds(), prompt + limit);
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
        return new Decoder.Admission(slot, request.promptIds(), from, brought,
                request.promptIds().length + limit, settings());
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

    /** Whether its next token depends on the last one by more than the model. */
    boolean isRuled() {
        return history != null;
    }

    /** What its rules do to the logits of its next token. */
    LogitEdits edits() {
        return history == null ? LogitEdits.NONE : rules.next(history, request.promptIds().length + count);
    }

    /**
     * Takes the next token, or why there is none, and finds out whether it is the last.
     *
     * @param likely null where the sequence does not want to know
     */
    void add(int token, @Nullable TokenLogprobs likely) {
        if (token < 0) {
            finish = FinishReason.ERROR;
            error = token == Decoder.NO_TOKEN
                    ? "no token is left to choose: all are ruled out"
                    : "the model's logits are not finite numbers";
            return;
        }
        if (history != null) {
            history[request.promptIds().length + count] = token;
        }
        tokens[count++] = token;
        if (logprobs != null) {
            logprobs.add(Objects.requireNonNull(likely).withBest(request.params().logprobs()));
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
        if (error != null) {
            return Completion.failed(request, error);
        }
        return new Completion(request.index(), request.sample(), Arrays.copyOf(tokens, count), text,
                request.promptIds().length, Objects.requireNonNull(finish), null, logprobs);
    }

    /** The settings by which the decoder chooses this sequence's tokens. */
    RowSampling settings() {
        SamplingParams params = request.params();
        int[] ends = params.ignoreEos() ? new int[0] : params.eosTokenIds().stream().mapToInt(id -> id).toArray();
        return new RowSampling(params.greedy(), params.temperature(), params.topK(), params.topP(), params.minP(),
                params.repetitionPenalty(), params.presencePenalty(), params.frequencyPenalty(), minNewTokens(), ends,
                RandomKey.of(request), logprobs != null, refinements());
    }

    private int minNewTokens() {
        Integer minLength = request.params().rules().minLength();
        int min = request.params().minNewTokens();
        return minLength == null ? min : Math.max(min, minLength - request.promptIds().length);
    }

    private SamplingRefinements refinements() {
        TokenRules rules = request.params().rules();
        TokenRules.LengthDecay decay = rules.lengthDecay();
        SamplingRefinements none = SamplingRefinements.NONE;
        return new SamplingRefinements(either(rules.promptRepetitionPenalty(), none.promptPenalty()),
                either(rules.typicalP(), none.typicalP()), either(rules.epsilonCutoff(), none.epsilonCutoff()),
                either(rules.etaCutoff(), none.etaCutoff()), decay == null ? none.decayStart() : decay.start(),
                decay == null ? none.decayFactor() : decay.factor());
    }

    private static double either(@Nullable Double value, double otherwise) {
        return value == null ? otherwise : value;
    }
}
