package dev.lockstep.prompts;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Spelling;
import dev.lockstep.json.FieldException;

/**
 * The fields of a row by name: what is done, what would change the answer and is not done, and what does not matter. Rows of
 * our own form may have others besides, which are their author's; requests of OpenAI's form may not.
 */
final class PromptFields {
    /** What the chat template gets besides the messages, where the row has it. */
    static final List<String> TEMPLATE = List.of("tools", "documents", "continue_final_message", "reasoning_effort",
            "enable_thinking");
    private static final List<String> CHAT = Stream
            .concat(TEMPLATE.stream(), Stream.of("add_generation_prompt", "chat_template_kwargs")).toList();

    private static final Set<String> DONE = Stream.of(CHAT, List.of("id", "prompt", "messages", "greedy", "do_sample",
            "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "repetition_penalty",
            "encoder_repetition_penalty", "presence_penalty", "frequency_penalty", "seed", "max_new_tokens",
            "max_tokens",
            "max_completion_tokens", "max_length", "min_new_tokens", "min_tokens", "min_length", "ignore_eos",
            "eos_token_id", "eos_token_ids", "stop_token_ids", "stop", "stop_strings", "logprobs", "top_logprobs",
            "prompt_logprobs",
            "num_samples", "n", "num_return_sequences", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
            "bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "sequence_bias", "logit_bias",
            "allowed_token_ids", "exponential_decay_length_penalty", "forced_bos_token_id", "forced_eos_token_id",
            "guided_choice", "guided_regex", "guided_json", "guided_json_object", "structured_outputs",
            "response_format"))
            .flatMap(List::stream).collect(Collectors.toUnmodifiableSet());

    private static final Predicate<JsonNode> NEVER = value -> false;
    private static final Predicate<JsonNode> EMPTY = value -> value.isContainerNode() && value.isEmpty()
            || value.isTextual() && value.textValue().isEmpty();
    private static final Predicate<JsonNode> FALSE = value -> value.isBoolean() && !value.booleanValue();
    private static final Predicate<JsonNode> TRUE = value -> value.isBoolean() && value.booleanValue();
    private static final Predicate<JsonNode> ONE = value -> value.isNumber() && value.doubleValue() == 1;
    private static final Predicate<JsonNode> ZERO = value -> value.isNumber() && value.doubleValue() == 0;

    /** What would change the answer and is not done here, with the values that ask for nothing. */
    private static final Map<String, Predicate<JsonNode>> NOT_DONE = new HashMap<>(Map.ofEntries(
            Map.entry("num_beams", ONE), Map.entry("num_beam_groups", ONE), Map.entry("use_beam_search", FALSE),
            Map.entry("length_penalty", ONE), Map.entry("early_stopping", FALSE), Map.entry("penalty_alpha", ZERO),
            Map.entry("guidance_scale", ONE), Map.entry("watermarking_config", NEVER), Map.entry("top_h", NEVER),
            Map.entry("dola_layers", NEVER), Map.entry("token_healing", FALSE), Map.entry("max_time", NEVER),
            Map.entry("constraints", EMPTY), Map.entry("force_words_ids", EMPTY), Map.entry("diversity_penalty", ZERO),
            Map.entry("bad_words", EMPTY), Map.entry("echo", FALSE), Map.entry("suffix", EMPTY),
            Map.entry("truncate_prompt_tokens", NEVER),
            Map.entry("skip_special_tokens", TRUE), Map.entry("spaces_between_special_tokens", TRUE),
            Map.entry("include_stop_str_in_output", FALSE), Map.entry("chat_template", EMPTY),
            Map.entry("parallel_tool_calls", TRUE), Map.entry("functions", EMPTY), Map.entry("function_call", EMPTY),
            Map.entry("guided_grammar", NEVER),
            Map.entry("guided_whitespace_pattern", NEVER),
            Map.entry("guided_decoding_backend", NEVER), Map.entry("logits_processors", EMPTY),
            Map.entry("web_search_options", NEVER)));

    /** As {@link #NOT_DONE}, of OpenAI's requests alone: in other rows these may be anything. */
    private static final Map<String, Predicate<JsonNode>> NOT_DONE_OF_OPENAI = Map.of("audio", EMPTY, "prediction",
            EMPTY, "modalities", value -> value.size() == 1 && value.path(0).asText().equals("text"), "verbosity",
            value -> value.asText().equals("medium"), "repetition_detection", NEVER);

    /** Of OpenAI's and vLLM's requests: about who asks, how the answer travels, or a server. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("model", "user", "metadata", "store", "stream",
            "stream_options", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
            "priority", "request_id", "cache_salt", "return_tokens_as_token_ids", "return_token_ids",
            "include_reasoning", "media_io_kwargs", "mm_processor_kwargs", "kv_transfer_params");

    private PromptFields() {}

    /** Whether a field of this name is one that rows may have, or would if it were done. */
    static boolean isKnown(String name) {
        return DONE.contains(name) || NOT_DONE.containsKey(name);
    }

    /**
     * @param openAi whether it is the body of a request of OpenAI's form
     * @throws FieldException naming a field that would change the answer and is not honoured
     */
    static void check(JsonNode row, boolean openAi) {
        boolean chat = row.hasNonNull("messages");
        row.properties().forEach(field -> {
            var name = field.getKey();
            var value = field.getValue();
            if (value.isNull()) {
                return;
            }
            var neutral = NOT_DONE.get(name);
            if (neutral == null && openAi) {
                neutral = NOT_DONE_OF_OPENAI.get(name);
            }
            if (neutral != null && !neutral.test(value)) {
                throw new FieldException(name, "is not supported by this version");
            }
            if (!chat && CHAT.contains(name)) {
                throw new FieldException(name, "is for conversations, and this row has no messages");
            }
            if (openAi && neutral == null && !DONE.contains(name) && !WITHOUT_EFFECT.contains(name)
                    && !Set.of("best_of", "tool_choice", "add_special_tokens").contains(name)) {
                throw new FieldException(name, "in an OpenAI request is not known to this version");
            }
        });
        bestOf(row);
        toolChoice(row);
        specialTokens(row, chat);
    }

    private static void bestOf(JsonNode row) {
        int wanted = row.path("n").asInt(1);
        if (row.hasNonNull("best_of") && row.get("best_of").asInt(-1) != wanted) {
            throw new FieldException("best_of", "other than n is not supported by this version");
        }
    }

    /** Nothing here makes a model call tools, or keeps it from doing so. */
    private static void toolChoice(JsonNode row) {
        var choice = row.path("tool_choice");
        boolean none = choice.asText().equals("none");
        if (!choice.isMissingNode() && !choice.isNull() && !choice.asText().equals("auto")
                && !(none && row.path("tools").isEmpty())) {
            throw new FieldException("tool_choice", none
                    ? "\"none\" beside tools is not supported by this version: leave the tools out"
                    : "other than \"auto\" and \"none\" is not supported by this version");
        }
    }

    /** A chat template puts them in itself, and of other rows the command line decides. */
    private static void specialTokens(JsonNode row, boolean chat) {
        var add = row.path("add_special_tokens");
        if (!add.isMissingNode() && !add.isNull() && !(chat ? FALSE : TRUE).test(add)) {
            throw new FieldException("add_special_tokens", chat
                    ? "is not supported for conversations, whose template puts them in"
                    : "is not supported by this version for a row alone: --no-special-tokens leaves them out of all");
        }
    }

    /** A known name that somebody who wrote this one may have meant, or null. */
    static @Nullable String meant(String name) {
        if (DONE.contains(name) || NOT_DONE.containsKey(name) || WITHOUT_EFFECT.contains(name)) {
            return null;
        }
        var plain = plain(name);
        String nearest = null;
        int least = Integer.MAX_VALUE;
        for (var known : new TreeSet<>(DONE)) {
            var other = plain(known);
            // short names are near to any other
            int most = other.length() < 4 ? 0 : other.length() < 6 ? 1 : 2;
            // nobody's misspelling, and a field's name may be as long as a row
            if (Math.abs(plain.length() - other.length()) > most) {
                continue;
            }
            int distance = Spelling.distance(plain, other);
            if (distance <= most && distance < least) {
                least = distance;
                nearest = known;
            }
        }
        return nearest;
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[-_ ]", "");
    }
}
