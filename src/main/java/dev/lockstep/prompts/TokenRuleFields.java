package dev.lockstep.prompts;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.jspecify.annotations.Nullable;

import dev.lockstep.generate.SamplingParams;
import dev.lockstep.generate.TokenRules;
import dev.lockstep.generate.TokenRules.LengthDecay;
import dev.lockstep.generate.TokenRules.SequenceBias;
import dev.lockstep.json.FieldException;
import dev.lockstep.json.JsonFields;

/** {@link TokenRules} as rows and {@code generation_config.json} write them. */
final class TokenRuleFields {
    /** A bias beyond this leaves no room for logits in float32. */
    private static final double MOST_BIAS = 1e20;

    private TokenRuleFields() {}

    /** @throws FieldException naming the field that has a wrong type or is out of its range */
    static TokenRules read(JsonFields fields) {
        List<SequenceBias> biases = new ArrayList<>();
        sequenceBias(fields, biases);
        logitBias(fields, biases);
        JsonFields guides = GrammarFields.flat(fields);
        return new TokenRules(
                number(fields, "typical_p", "must be above 0 and at most 1", p -> p > 0 && p <= 1),
                number(fields, "epsilon_cutoff", "must be from 0 to 1, without 1", p -> p >= 0 && p < 1),
                number(fields, "eta_cutoff", "must be from 0 to 1, without 1", p -> p >= 0 && p < 1),
                number(fields, "encoder_repetition_penalty", "must be from 1e-20 to 1e20",
                        SamplingParams::isPenalty),
                count(fields, "min_length", 0), count(fields, "max_length", 1), decay(fields),
                count(fields, "no_repeat_ngram_size", 0), count(fields, "encoder_no_repeat_ngram_size", 0),
                badWords(fields), fields.integers("suppress_tokens"), fields.integers("begin_suppress_tokens"),
                biases.isEmpty() ? null : List.copyOf(biases), tokens(fields, "allowed_token_ids"),
                count(fields, "forced_bos_token_id", 0), tokens(fields, "forced_eos_token_id"), choices(guides),
                GrammarFields.read(guides));
    }

    private static @Nullable Double number(JsonFields fields, String name, String rule,
            Function<Double, Boolean> holds) {
        var number = fields.number(name);
        SamplingOverrides.require(name, number, holds, rule);
        return number;
    }

    private static @Nullable Integer count(JsonFields fields, String name, int least) {
        var number = fields.integer(name);
        SamplingOverrides.require(name, number, n -> n >= least, "must be " + least + " or more");
        return number;
    }

    private static @Nullable List<Integer> tokens(JsonFields fields, String name) {
        var tokens = fields.integers(name);
        if (tokens != null) {
            tokens.forEach(token -> SamplingOverrides.require(name, token, t -> t >= 0, "must be 0 or more"));
        }
        return tokens;
    }

    private static @Nullable List<String> choices(JsonFields fields) {
        var name = "guided_choice";
        var choices = fields.strings(name);
        if (choices != null && (choices.isEmpty() || choices.stream()
                .anyMatch(text -> text.isEmpty() || !StandardCharsets.UTF_8.newEncoder().canEncode(text)))) {
            throw JsonFields.wrong(name, "a list of texts that are not empty", fields.object().get(name));
        }
        return choices;
    }

    private static @Nullable LengthDecay decay(JsonFields fields) {
        var name = "exponential_decay_length_penalty";
        if (!fields.has(name)) {
            return null;
        }
        var pair = fields.object().get(name);
        if (pair.size() != 2 || !pair.path(0).isIntegralNumber() || !pair.path(0).canConvertToInt()
                || !pair.path(1).isNumber() || !(pair.path(1).doubleValue() > 0)
                || !(pair.path(1).doubleValue() <= MOST_BIAS)) {
            throw JsonFields.wrong(name, "a number of tokens and a factor above 0", pair);
        }
        return new LengthDecay(pair.get(0).intValue(), pair.get(1).doubleValue());
    }

    private static @Nullable List<List<Integer>> badWords(JsonFields fields) {
        var name = "bad_words_ids";
        if (!fields.has(name)) {
            return null;
        }
        List<List<Integer>> words = new ArrayList<>();
        for (var word : array(name, "a list of lists of token ids", fields.object().get(name))) {
            words.add(sequence(name, "a list of lists of token ids", word));
        }
        return List.copyOf(words);
    }

    private static void sequenceBias(JsonFields fields, List<SequenceBias> biases) {
        var name = "sequence_bias";
        if (fields.has(name)) {
            var wanted = "a list of pairs of token ids and a bias";
            for (var pair : array(name, wanted, fields.object().get(name))) {
                if (pair.size() != 2) {
                    throw JsonFields.wrong(name, wanted, pair);
                }
                biases.add(new SequenceBias(sequence(name, wanted, pair.path(0)), bias(name, wanted, pair.path(1))));
            }
        }
    }

    /** OpenAI's form: an object with token ids as names. */
    private static void logitBias(JsonFields fields, List<SequenceBias> biases) {
        var name = "logit_bias";
        if (fields.has(name)) {
            var wanted = "an object with token ids as names and biases from -100 to 100 as values";
            var object = fields.object().get(name);
            if (!object.isObject()) {
                throw JsonFields.wrong(name, wanted, object);
            }
            object.properties().forEach(entry -> {
                // the pair alone: of hundreds the sentence would show the first ones
                JsonNode pair = JsonNodeFactory.instance.objectNode().set(entry.getKey(), entry.getValue());
                var value = entry.getValue();
                if (!entry.getKey().matches("[0-9]{1,9}") || !value.isNumber()
                        || !(Math.abs(value.doubleValue()) <= 100)) {
                    throw JsonFields.wrong(name, wanted, pair);
                }
                biases.add(new SequenceBias(List.of(Integer.parseInt(entry.getKey())), value.doubleValue()));
            });
        }
    }

    private static JsonNode array(String name, String wanted, JsonNode value) {
        if (!value.isArray()) {
            throw JsonFields.wrong(name, wanted, value);
        }
        return value;
    }

    private static List<Integer> sequence(String name, String wanted, JsonNode value) {
        List<Integer> tokens = new ArrayList<>();
        for (var token : array(name, wanted, value)) {
            tokens.add(JsonFields.integer(name, token));
        }
        if (tokens.isEmpty() || tokens.stream().anyMatch(token -> token < 0)) {
            throw JsonFields.wrong(name, wanted, value);
        }
        return List.copyOf(tokens);
    }

    private static double bias(String name, String wanted, JsonNode value) {
        if (!value.isNumber() || !(Math.abs(value.doubleValue()) <= MOST_BIAS)) {
            throw JsonFields.wrong(name, wanted, value);
        }
        return value.doubleValue();
    }
}
