package dev.lockstep.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.Admission;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.decoder.sampling.LogitEdits;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingRefinements;
import dev.lockstep.generate.Completion.PromptLogprobs;

/** One request while it is being generated. */
final class Sequence {
    private static final String NOT_FINITE = "the model's logits are not finite numbers";

    private final Request request;
    private final int limit;
    private final int longestStop;
    private final Function<int[], String> decoding;
    // prompt and text
    private final int[] tokens;
    private final int prompt;
    // what is scored instead of chosen; with the present start these, and so many before them have been
    private final int[] forced;
    private int[] scoring = {};
    private int[] beforeScores = {};
    // so many tokens of the present start stand behind those after which something is scored
    private int unscored;
    private int scoredBefore;
    private final AppliedTokenRules rules;
    private final DraftLuck luck = new DraftLuck();
    // null: it is to have tokens
    private final @Nullable PooledStates pooled;
    // null: not wanted
    private final @Nullable List<TokenLogprobs> logprobs;
    private final @Nullable List<TokenLogprobs> promptLogprobs;
    // the tokens that it had when it began, or began again, and how many of them are in the cache
    private int[] start;
    private int brought;
    private long begun = -1;
    private int count;
    private boolean again;
    private @Nullable FinishReason finish;
    private String text = "";
    private @Nullable String error;

    /**
     * @param limit      at most so many new tokens, by the request or by the context
     * @param vocabulary the model's
     * @param decoding   tokens to text
     * @param guided     null where the model has no tokenizer
     */
    Sequence(Request request, int limit, int vocabulary, Function<int[], String> decoding,
            @Nullable GuidedTokens guided) {
        this.decoding = decoding;
        this.request = request;
        this.limit = limit;
        this.longestStop = request.params().stop().stream().mapToInt(String::length).max().orElse(0);
        this.prompt = request.promptIds().length;
        this.forced = request.forced();
        this.tokens = Arrays.copyOf(request.promptIds(), prompt + Math.max(limit, forced.length));
        System.arraycopy(forced, 0, tokens, prompt, forced.length);
        this.start = request.promptIds();
        score(0);
        this.rules = new AppliedTokenRules(request.params().rules(), request.params().eosTokenIds(), vocabulary, prompt,
                limit, guided);
        this.pooled = request.embedding() == null ? null : new PooledStates(request.embedding(), prompt);
        this.logprobs = request.params().logprobs() == SamplingParams.NO_LOGPROBS ? null : new ArrayList<>();
        this.promptLogprobs = request.params().promptLogprobs() == SamplingParams.NO_LOGPROBS
                ? null
                : new ArrayList<>();
        if (promptLogprobs != null) {
            scoring = Arrays.copyOfRange(tokens, 1, prompt);
            unscored = 1;
            beforeScores = Arrays.copyOf(tokens, 1);
        }
    }

    Request request() {
        return request;
    }

    /** What is to be in the cache before it goes on: its prompt, and what it had generated when it was interrupted. */
    int[] start() {
        return start;
    }

    /** Those of its start that may be found in the cache, where another sequence has left them: before what is scored. */
    int[] sharable() {
        if (pooled != null) {
            return Arrays.copyOf(start, pooled.needless());
        }
        return scoring.length > 0 ? beforeScores : start;
    }

    /** So many tokens are scored while its start is brought. */
    int scored() {
        return scoring.length;
    }

    /**
     * The next tokens are scored: all, or, where they do not fit the context, as many as it has room for, after as many of
     * those before them as fit; which is lm-evaluation-harness's loglikelihood_rolling. After the last of them nothing is.
     *
     * @param before so many have been
     */
    private void score(int before) {
        if (forced.length > 0) {
            int most = forced.length > limit ? reach() : forced.length;
            int end = Math.min(forced.length, before + most);
            scoredBefore = before;
            scoring = Arrays.copyOfRange(forced, before, end);
            start = Arrays.copyOfRange(tokens, Math.max(0, prompt + end - 1 - reach()), prompt + end - 1);
            beforeScores = Arrays.copyOf(start, start.length - scoring.length + 1);
        }
    }

    /** Whether it is to begin again, with what is scored next. */
    boolean isAgain() {
        return again;
    }

    /** It does so. */
    void beginAgain() {
        again = false;
        brought = 0;
        score(scoredBefore + scoring.length);
    }

    /** Tokens that it may come to have, its prompt included. */
    int reach() {
        return prompt + limit;
    }

    /** Tokens that it has, its prompt included. */
    int length() {
        return prompt + count;
    }

    /**
     * It gets a slot.
     *
     * @param number how many did so before it
     * @param there  so many of its first tokens are in the cache already
     */
    void begin(long number, int there) {
        begun = number;
        brought = there;
    }

    /** How many sequences got a slot before it did. */
    long begun() {
        return begun;
    }

    /**
     * It loses its place in the cache, and will begin again.
     *
     * @param withTokens that it has; otherwise with none, and will come to have the same
     */
    void interrupt(boolean withTokens) {
        brought = 0;
        if (pooled != null) {
            pooled.clear();
        }
        if (!withTokens || forced.length > 0) {
            count = 0;
            if (logprobs != null) {
                logprobs.subList(scoredBefore, logprobs.size()).clear();
            }
        }
        if (promptLogprobs != null) {
            if (promptLogprobs.size() < prompt - 1) {
                promptLogprobs.clear();
            } else {
                scoring = new int[0]; // its prompt comes again, and is known
            }
        }
        if (forced.length == 0) {
            start = Arrays.copyOf(tokens, length());
        }
    }

    /** Whether it has had a slot. */
    boolean hasBegun() {
        return begun >= 0;
    }

    /**
     * The next piece of its start, which then counts as brought.
     *
     * @param most       tokens of the piece
     * @param mostScored of them at most, above 0
     */
    Admission piece(int slot, int most, int mostScored) {
        int from = brought;
        brought = Math.min(start.length, from + most);
        if (scoring.length > 0) {
            brought = Math.min(brought, Math.max(from, start.length - unscored - scoring.length) + mostScored);
            return new Admission(slot, start, 0, from, brought, reach(), settings(), scoring, unscored);
        }
        return new Admission(slot, start, start.length - prompt, from, brought, reach(), settings());
    }

    /** What becomes of the hidden states of its tokens; null where nothing does. */
    @Nullable
    PooledStates pooled() {
        return pooled;
    }

    /** What was scored with a piece. */
    void score(TokenLogprobs[] likely) {
        for (TokenLogprobs one : likely) {
            if (Float.isNaN(one.chosen())) {
                fail(NOT_FINITE);
                return;
            }
            if (promptLogprobs != null) {
                promptLogprobs.add(one.withBest(request.params().promptLogprobs()));
            } else {
                Objects.requireNonNull(logprobs).add(one.withBest(request.params().logprobs()));
            }
        }
    }

    /** Whether all of its start has been brought. */
    boolean isComplete() {
        return brought == start.length;
    }

    boolean isFinished() {
        return finish != null;
    }

    /** Its tokens so far. */
    int count() {
        return count;
    }

    /** It cannot go on. */
    void fail(String why) {
        finish = FinishReason.ERROR;
        error = why;
    }

    /** So many tokens at most. */
    int limit() {
        return limit;
    }

    /** So many more tokens at most. */
    int remaining() {
        return limit - count;
    }

    /** Whether it wants to know how likely the tokens are that are chosen for it. */
    boolean isRanked() {
        return logprobs != null && forced.length == 0;
    }

    /** Whether its next token depends on the last one by more than the model. */
    boolean isRuled() {
        return !rules.isEmpty();
    }

    /**
     * What probably comes next; none where the text does not say, and where penalties depend on all tokens before, which a draft's
     * slot does not know. Of sequences without rules.
     *
     * @param most tokens
     * @param cost of each, as a part of what a token is worth
     */
    int[] draft(int most, double cost) {
        int worth = Math.min(Math.min(most, remaining() - 1), luck.most(cost));
        return worth <= 0 || request.params().hasPenalty()
                ? new int[0]
                : PromptLookup.next(tokens, length(), worth);
    }

    /** How many tokens of a draft will be right, on average. */
    double expected(int drafted) {
        return luck.expected(drafted);
    }

    /** It has had so many tokens drafted, of which the first were right. */
    void took(int drafted, int right) {
        luck.took(drafted, right);
    }

    /** So many tokens came without a draft. */
    void rested(int tokens) {
        luck.rested(tokens);
    }

    /** What its rules do to the logits of its next token. */
    LogitEdits edits() {
        return rules.isEmpty() || isFinished() ? LogitEdits.NONE : rules.next(tokens, prompt + count);
    }

    /**
     * Takes the next token, or why there is none, and finds out whether it is the last.
     *
     * @param likely null where the sequence does not want to know
     */
    void add(int token, @Nullable TokenLogprobs likely) {
        if (token < 0) {
            fail(token == Decoder.NO_TOKEN
                    ? "no token is left to choose: all are ruled out"
                    : NOT_FINITE);
            return;
        }
        if (pooled != null) {
            finish = FinishReason.LENGTH;
            return;
        }
        if (forced.length > 0) {
            // what the model would go on with is nobody's
            again = scoredBefore + scoring.length < forced.length;
            if (again) {
                return;
            }
            count = forced.length;
            finish = FinishReason.LENGTH;
            text = decode(0, count);
            return;
        }
        tokens[prompt + count++] = token;
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
        return decoding.apply(Arrays.copyOfRange(tokens, prompt + from, prompt + to));
    }

    /** What became of the request, once it is finished. */
    Completion completion() {
        if (error != null) {
            return Completion.failed(request, error);
        }
        return new Completion(request.index(), request.sample(), Arrays.copyOfRange(tokens, prompt, prompt + count),
                text,
                prompt, Objects.requireNonNull(finish), null, logprobs, pooled == null ? null : pooled.vector(),
                promptLogprobs == null
                        ? null
                        : new PromptLogprobs(Arrays.copyOf(tokens, prompt), promptLogprobs));
    }

    /** The settings by which the decoder chooses this sequence's tokens. */
    RowSampling settings() {
        SamplingParams params = request.params();
        int[] ends = params.ignoreEos() ? new int[0] : params.eosTokenIds().stream().mapToInt(id -> id).toArray();
        return new RowSampling(params.greedy(), params.temperature(), params.topK(), params.topP(), params.minP(),
                params.repetitionPenalty(), params.presencePenalty(), params.frequencyPenalty(), minNewTokens(), ends,
                RandomKey.of(request), isRanked(), refinements());
    }

    private int minNewTokens() {
        Integer minLength = request.params().rules().minLength();
        int min = request.params().minNewTokens();
        return minLength == null ? min : Math.max(min, minLength - prompt);
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
