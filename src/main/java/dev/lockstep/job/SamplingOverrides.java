package dev.lockstep.job;

import java.util.List;
import java.util.function.Function;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.generate.SamplingParams;
import dev.lockstep.model.GenerationDefaults;

/**
 * What one place (a row, the command line, a checkpoint) says about sampling; a null field says nothing. Fields mean what
 * they mean in {@link SamplingParams}, except that temperature 0 asks for greedy.
 */
public record SamplingOverrides(Boolean greedy, Double temperature, Integer topK, Double topP, Double minP,
        Double repetitionPenalty, Double presencePenalty, Double frequencyPenalty, Long seed, Integer maxNewTokens,
        Integer minNewTokens, Boolean ignoreEos, List<Integer> eosTokenIds, List<String> stop, Integer logprobs) {
    /** New tokens of a row when neither the row nor the command line says how many. */
    public static final int DEFAULT_MAX_NEW_TOKENS = 100;

    /** Says nothing. */
    public static final SamplingOverrides NONE = new SamplingOverrides(null, null, null, null, null, null, null, null,
            null, null, null, null, null, null, null);

    /**
     * @throws IllegalArgumentException naming the field that is out of its range
     */
    public SamplingOverrides {
        require("temperature", temperature, t -> t >= 0 && Double.isFinite(t), "must be 0 (greedy) or more");
        require("top_k", topK, k -> k >= 0, "must be 0 (all tokens) or more");
        require("top_p", topP, p -> p > 0 && p <= 1, "must be above 0 and at most 1");
        require("min_p", minP, p -> p >= 0 && p <= 1, "must be from 0 to 1");
        require("repetition_penalty", repetitionPenalty, r -> r > 0 && Double.isFinite(r), "must be above 0");
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
        if (stop != null) {
            stop.forEach(s -> require("stop", s, text -> !text.isEmpty(), "must not be an empty string"));
            stop = List.copyOf(stop);
        }
    }

    /**
     * The sampling fields of a row of prompts, by transformers' names, {@code max_tokens} standing for
     * {@code max_new_tokens}.
     *
     * @throws IllegalArgumentException naming the field that has a wrong type or is out of its range
     */
    static SamplingOverrides ofRow(JsonNode row) {
        var fields = new JsonFields(row);
        if (fields.has("max_tokens") && fields.has("max_new_tokens")) {
            throw new FieldException("max_tokens", "and max_new_tokens mean the same, so give one of them");
        }
        var maxName = fields.has("max_tokens") ? "max_tokens" : "max_new_tokens";
        var eosName = fields.has("eos_token_ids") ? "eos_token_ids" : "eos_token_id";
        return new SamplingOverrides(fields.flag("greedy"), fields.number("temperature"), fields.integer("top_k"),
                fields.number("top_p"), fields.number("min_p"), fields.number("repetition_penalty"),
                fields.number("presence_penalty"), fields.number("frequency_penalty"),
                fields.longInteger("seed"), fields.integer(maxName), fields.integer("min_new_tokens"),
                fields.flag("ignore_eos"), fields.integers(eosName),
                fields.strings("stop"), logprobs(fields));
    }

    /** As a number, or in the way of OpenAI's chat: true, with the number in top_logprobs. */
    private static Integer logprobs(JsonFields fields) {
        var value = fields.object().path("logprobs");
        boolean wanted = value.isBoolean() && value.booleanValue();
        var top = fields.integer("top_logprobs");
        requireLogprobs("top_logprobs", top);
        if (top != null && top > 0 && !wanted) {
            throw new FieldException("top_logprobs", "needs logprobs to be true");
        }
        if (value.isBoolean()) {
            return !wanted ? SamplingParams.NO_LOGPROBS : top == null ? 0 : top;
        }
        if (fields.has("logprobs") && !value.isIntegralNumber()) {
            throw JsonFields.wrong("logprobs", "a whole number, true or false", value);
        }
        var number = fields.integer("logprobs");
        requireLogprobs("logprobs", number);
        return number;
    }

    /** What people may write; within the program {@link SamplingParams#NO_LOGPROBS} says that there are to be none. */
    static void requireLogprobs(String field, Integer number) {
        require(field, number, n -> n >= 0 && n <= SamplingParams.MOST_LOGPROBS,
                "must be from 0 to " + SamplingParams.MOST_LOGPROBS);
    }

    /**
     * The defaults that a checkpoint gives: sampling and end tokens. Its {@code max_new_tokens} is left out because how
     * much to generate is the job's business.
     *
     * @throws UsageException naming the field that is out of its range
     */
    public static SamplingOverrides ofCheckpoint(GenerationDefaults defaults) {
        // many files keep sampling fields beside do_sample=false, and temperature 0 is some authors' word for greedy
        boolean greedy = !Boolean.TRUE.equals(defaults.doSample())
                || defaults.temperature() != null && defaults.temperature() == 0;
        try {
            return new SamplingOverrides(greedy, defaults.temperature(), defaults.topK(), defaults.topP(),
                    defaults.minP(), defaults.repetitionPenalty(), null, null, null, null, null, null,
                    defaults.eosTokenIds(), null, null);
        } catch (FieldException e) {
            throw new UsageException("generation_config.json: " + e.getMessage(), e);
        }
    }

    /**
     * The parameters of one row: what the row says beats what the command line says, which beats the checkpoint's defaults
     * for sampling and end tokens, which beat temperature 1 over all tokens, {@value #DEFAULT_MAX_NEW_TOKENS} new tokens.
     *
     * <p>
     * Whether it is greedy is decided by the first of row and command line that says something about it: greedy itself or
     * temperature 0 means greedy, any of temperature, top-k, top-p and min-p means sampling. Where neither does, the
     * checkpoint's {@code do_sample} decides; without one it is greedy, as in transformers.
     *
     * @throws IllegalArgumentException in one sentence, when values of several places do not go together
     */
    public static SamplingParams resolve(SamplingOverrides row, SamplingOverrides commandLine,
            SamplingOverrides checkpoint) {
        var job = List.of(row, commandLine);
        var all = List.of(row, commandLine, checkpoint);
        boolean greedy = first(job, SamplingOverrides::asksForGreedy,
                checkpoint.greedy == null || checkpoint.greedy);
        return new SamplingParams(greedy, first(all, o -> o.isCold() ? null : o.temperature, 1.0),
                first(all, SamplingOverrides::topK, 0), first(all, SamplingOverrides::topP, 1.0),
                first(all, SamplingOverrides::minP, 0.0), first(all, SamplingOverrides::repetitionPenalty, 1.0),
                first(job, SamplingOverrides::presencePenalty, 0.0),
                first(job, SamplingOverrides::frequencyPenalty, 0.0),
                first(job, SamplingOverrides::seed, 0L),
                first(job, SamplingOverrides::maxNewTokens, DEFAULT_MAX_NEW_TOKENS),
                first(job, SamplingOverrides::minNewTokens, 0), first(job, SamplingOverrides::ignoreEos, false),
                first(all, SamplingOverrides::eosTokenIds, List.of()), first(job, SamplingOverrides::stop, List.of()),
                first(job, SamplingOverrides::logprobs, SamplingParams.NO_LOGPROBS));
    }

    private Boolean asksForGreedy() {
        if (greedy != null) {
            return greedy;
        }
        if (isCold()) {
            return true;
        }
        return temperature != null || topK != null || topP != null || minP != null ? false : null;
    }

    private boolean isCold() {
        return temperature != null && temperature == 0;
    }

    private static <T> T first(List<SamplingOverrides> places, Function<SamplingOverrides, T> field, T otherwise) {
        for (var place : places) {
            var value = field.apply(place);
            if (value != null) {
                return value;
            }
        }
        return otherwise;
    }

    private static <T> void require(String field, T value, Function<T, Boolean> holds, String rule) {
        if (value != null && !holds.apply(value)) {
            throw new FieldException(field, rule + (value instanceof Number ? ", not " + value : ""));
        }
    }
}
