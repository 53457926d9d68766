package dev.lockstep.prompts;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import dev.lockstep.generate.SamplingParams;
import dev.lockstep.generate.TokenRules;
import dev.lockstep.json.FieldException;

/**
 * What one place (a row, the command line, a checkpoint) says about sampling; a null field says nothing. Fields mean what
 * they mean in {@link SamplingParams}, except that temperature 0 asks for greedy, and that {@code stopTokenIds} end a row
 * besides the end tokens, also where those are ignored.
 */
public record SamplingOverrides(@Nullable Boolean greedy, @Nullable Double temperature, @Nullable Integer topK,
        @Nullable Double topP, @Nullable Double minP,
        @Nullable Double repetitionPenalty, @Nullable Double presencePenalty, @Nullable Double frequencyPenalty,
        @Nullable Long seed, @Nullable Integer maxNewTokens,
        @Nullable Integer minNewTokens, @Nullable Boolean ignoreEos, @Nullable List<Integer> eosTokenIds,
        @Nullable List<Integer> stopTokenIds,
        @Nullable List<String> stop, @Nullable Integer logprobs, @Nullable Integer promptLogprobs,
        TokenRules rules) {
    /** New tokens of a row when neither the row nor the command line says how many. */
    public static final int DEFAULT_MAX_NEW_TOKENS = 100;

    /** Of rows that draw when nobody says from how many tokens, as in transformers. */
    public static final int DEFAULT_TOP_K = 50;

    /** Says nothing. */
    public static final SamplingOverrides NONE = new SamplingOverrides(null, null, null, null, null, null, null, null,
            null, null, null, null, null, null, null, null, null, TokenRules.NONE);

    /**
     * @throws IllegalArgumentException naming the field that is out of its range
     */
    public SamplingOverrides {
        require("temperature", temperature, t -> t >= 0 && Double.isFinite(t), "must be 0 (greedy) or more");
        require("top_k", topK, k -> k >= 0, "must be 0 (all tokens) or more");
        require("top_p", topP, p -> p > 0 && p <= 1, "must be above 0 and at most 1");
        require("min_p", minP, p -> p >= 0 && p <= 1, "must be from 0 to 1");
        require("repetition_penalty", repetitionPenalty, SamplingParams::isPenalty, "must be from 1e-20 to 1e20");
        require("presence_penalty", presencePenalty, p -> Math.abs(p) <= 2, "must be from -2 to 2");
        require("frequency_penalty", frequencyPenalty, p -> Math.abs(p) <= 2, "must be from -2 to 2");
        require("max_new_tokens", maxNewTokens, n -> n >= 1, "must be 1 or more");
        require("min_new_tokens", minNewTokens, n -> n >= 0, "must be 0 or more");
        if (Boolean.FALSE.equals(greedy) && temperature != null && temperature == 0) {
            throw new FieldException("greedy", "must not be false where temperature is 0");
        }
        if (eosTokenIds != null) {
            eosTokenIds.forEach(id -> require("eos_token_id", id, i -> i >= 0, "must be 0 or more"));
            eosTokenIds = List.copyOf(eosTokenIds);
        }
        if (stopTokenIds != null) {
            stopTokenIds.forEach(id -> require("stop_token_ids", id, i -> i >= 0, "must be 0 or more"));
            stopTokenIds = List.copyOf(stopTokenIds);
        }
        if (stop != null) {
            stop.forEach(s -> require("stop", s, text -> !text.isEmpty(), "must not be an empty string"));
            stop = List.copyOf(stop);
        }
        rules = rules == null ? TokenRules.NONE : rules;
    }

    /** What people may write; within the program {@link SamplingParams#NO_LOGPROBS} says that there are to be none. */
    public static void requireLogprobs(String field, @Nullable Integer number) {
        require(field, number, n -> n >= 0 && n <= SamplingParams.MOST_LOGPROBS,
                "must be from 0 to " + SamplingParams.MOST_LOGPROBS);
    }

    /**
     * Field by field, what the row says beats what the command line says, which beats the checkpoint's; all of them beat
     * transformers' own defaults, temperature 1 from the {@value #DEFAULT_TOP_K} likeliest tokens.
     *
     * <p>
     * Whether it is greedy is decided by the first of row and command line that says something about it: greedy itself or
     * temperature 0 means greedy, any other temperature and any filter means sampling. Where neither does, the
     * checkpoint's {@code do_sample} decides; without one it is greedy, as in transformers.
     *
     * <p>
     * How long a row becomes is decided by the first place that says something about new tokens or about prompt and text
     * together. Where row and command line are silent these are {@value #DEFAULT_MAX_NEW_TOKENS} new tokens, or fewer where
     * the checkpoint says fewer.
     *
     * @throws IllegalArgumentException in one sentence, when values of several places do not go together
     */
    @SuppressWarnings("ReferenceEquality") // which of the three it is, not what it says
    public static SamplingParams resolve(SamplingOverrides row, SamplingOverrides commandLine,
            SamplingOverrides checkpoint) {
        var job = List.of(row, commandLine);
        var all = List.of(row, commandLine, checkpoint);
        boolean greedy = first(job, SamplingOverrides::asksForGreedy,
                checkpoint.greedy == null || checkpoint.greedy);
        var most = first(job, o -> o.maxNewTokens == null && o.rules.maxLength() == null ? null : o);
        int max = most == null
                ? Math.min(DEFAULT_MAX_NEW_TOKENS, or(checkpoint.maxNewTokens, DEFAULT_MAX_NEW_TOKENS))
                : or(most.maxNewTokens, or(most.rules.maxLength(), DEFAULT_MAX_NEW_TOKENS));
        var limiting = most == null ? checkpoint : most;
        var least = first(all, o -> o.minNewTokens == null && o.rules.minLength() == null ? null : o, NONE);
        int min = or(least.minNewTokens, 0);
        var rules = row.rules.or(commandLine.rules).or(checkpoint.rules).withLengths(
                least.minNewTokens == null ? least.rules.minLength() : null,
                limiting.maxNewTokens == null ? limiting.rules.maxLength() : null);
        boolean ignoreEos = first(job, SamplingOverrides::ignoreEos, false);
        List<Integer> stopTokens = first(job, SamplingOverrides::stopTokenIds, List.of());
        List<Integer> ends = new ArrayList<>(
                ignoreEos && !stopTokens.isEmpty() ? List.of() : first(all, SamplingOverrides::eosTokenIds, List.of()));
        ends.addAll(stopTokens);
        return SamplingParams.builder(max).greedy(greedy)
                .temperature(first(all, o -> o.isCold() ? null : o.temperature, 1.0))
                .topK(first(all, SamplingOverrides::topK, greedy ? 0 : DEFAULT_TOP_K))
                .topP(first(all, SamplingOverrides::topP, 1.0))
                .minP(first(all, SamplingOverrides::minP, 0.0))
                .repetitionPenalty(first(all, SamplingOverrides::repetitionPenalty, 1.0))
                .presencePenalty(first(job, SamplingOverrides::presencePenalty, 0.0))
                .frequencyPenalty(first(job, SamplingOverrides::frequencyPenalty, 0.0))
                .seed(first(job, SamplingOverrides::seed, 0L))
                // a checkpoint does not know how long the job's rows may become
                .minNewTokens(least == checkpoint ? Math.min(min, max) : min)
                .ignoreEos(ignoreEos && stopTokens.isEmpty()).eosTokenIds(ends)
                .stop(first(all, SamplingOverrides::stop, List.of()))
                .logprobs(first(job, SamplingOverrides::logprobs, SamplingParams.NO_LOGPROBS))
                .promptLogprobs(first(job, SamplingOverrides::promptLogprobs, SamplingParams.NO_LOGPROBS)).rules(rules)
                .build();
    }

    private @Nullable Boolean asksForGreedy() {
        if (greedy != null) {
            return greedy;
        }
        if (isCold()) {
            return true;
        }
        return temperature != null || topK != null || topP != null || minP != null || rules.asksForSampling()
                ? false
                : null;
    }

    private boolean isCold() {
        return temperature != null && temperature == 0;
    }

    private static <T> T first(List<SamplingOverrides> places, Function<SamplingOverrides, T> field, T otherwise) {
        return or(first(places, field), otherwise);
    }

    private static <T> T or(@Nullable T said, T otherwise) {
        return said == null ? otherwise : said;
    }

    private static <T> @Nullable T first(List<SamplingOverrides> places, Function<SamplingOverrides, T> field) {
        for (var place : places) {
            var value = field.apply(place);
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    static <T> void require(String field, @Nullable T value, Function<T, Boolean> holds, String rule) {
        if (value != null && !holds.apply(value)) {
            throw new FieldException(field, rule + (value instanceof Number ? ", not " + value : ""));
        }
    }
}
