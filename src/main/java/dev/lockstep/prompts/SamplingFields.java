package dev.lockstep.prompts;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.GenerationDefaults;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.FieldException;
import dev.lockstep.json.JsonFields;

/** Reads what JSON says about sampling, a row's or a checkpoint's. Apart from what it makes, which needs no JSON. */
public final class SamplingFields {
    private SamplingFields() {}

    /**
     * The sampling fields of a row of prompts, by the names of transformers, vLLM and OpenAI.
     *
     * @throws IllegalArgumentException naming the field that has a wrong type or is out of its range
     */
    public static SamplingOverrides ofRow(JsonNode row) {
        var fields = new JsonFields(row);
        return ofFields(fields, greedy(fields), fields.integers(fields.either("eos_token_id", "eos_token_ids")));
    }

    private static @Nullable Boolean greedy(JsonFields fields) {
        var greedy = fields.flag("greedy");
        var sample = fields.flag("do_sample");
        if (greedy != null && greedy.equals(sample)) {
            throw new FieldException("do_sample", "and greedy contradict each other, so give one of them");
        }
        return greedy != null || sample == null ? greedy : Boolean.valueOf(!sample);
    }

    private static SamplingOverrides ofFields(JsonFields fields, @Nullable Boolean greedy,
            @Nullable List<Integer> eosTokenIds) {
        var topK = fields.integer("top_k");
        return new SamplingOverrides(greedy, fields.number("temperature"),
                // vLLM's word for all tokens
                topK != null && topK == -1 ? Integer.valueOf(0) : topK,
                fields.number("top_p"), fields.number("min_p"), fields.number("repetition_penalty"),
                fields.number("presence_penalty"), fields.number("frequency_penalty"), fields.longInteger("seed"),
                fields.integer(fields.either("max_new_tokens", "max_tokens", "max_completion_tokens")),
                fields.integer(fields.either("min_new_tokens", "min_tokens")), fields.flag("ignore_eos"), eosTokenIds,
                fields.integers("stop_token_ids"), fields.strings(fields.either("stop", "stop_strings")),
                logprobs(fields), promptLogprobs(fields), TokenRuleFields.read(fields));
    }

    /** As a number, or in the way of OpenAI's chat: true, with the number in top_logprobs. */
    private static @Nullable Integer logprobs(JsonFields fields) {
        var value = fields.object().path("logprobs");
        boolean wanted = value.isBoolean() && value.booleanValue();
        var top = fields.integer("top_logprobs");
        SamplingOverrides.requireLogprobs("top_logprobs", top);
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
        SamplingOverrides.requireLogprobs("logprobs", number);
        return number;
    }

    private static @Nullable Integer promptLogprobs(JsonFields fields) {
        Integer number = fields.integer("prompt_logprobs");
        SamplingOverrides.requireLogprobs("prompt_logprobs", number);
        return number;
    }

    /**
     * The defaults that a checkpoint gives.
     *
     * @throws UsageException naming the field that has a wrong type or is out of its range
     */
    public static SamplingOverrides ofCheckpoint(GenerationDefaults defaults) {
        var fields = new JsonFields(defaults.fields());
        try {
            var temperature = fields.number("temperature");
            // many files keep sampling fields beside do_sample=false, and temperature 0 is some authors' word for greedy
            boolean greedy = !Boolean.TRUE.equals(fields.flag("do_sample")) || temperature != null && temperature == 0;
            return ofFields(fields, greedy, defaults.eosTokenIds());
        } catch (FieldException e) {
            throw new UsageException(defaults.file() + ": " + e.getMessage(), e);
        }
    }
}
