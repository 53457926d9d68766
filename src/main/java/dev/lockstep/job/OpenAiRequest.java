package dev.lockstep.job;

import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What of a line of an OpenAI batch file its answer repeats.
 *
 * @param chat  whether it went to {@code /v1/chat/completions}, not to {@code /v1/completions}
 * @param model the model it asked for; empty where it named none
 */
public record OpenAiRequest(boolean chat, String model) {
    private static final String CHAT = "/v1/chat/completions";
    private static final String TEXT = "/v1/completions";

    /** OpenAI's name of a field, and ours; where a request has both of a kind the later one counts. */
    private static final Map<String, String> RENAMED = Map.of("max_tokens", "max_new_tokens", "max_completion_tokens",
            "max_new_tokens", "min_tokens", "min_new_tokens", "n", "num_samples");

    /** What would change the answer if it were left out silently. */
    private static final List<String> NOT_SUPPORTED = List.of("logit_bias", "response_format", "echo", "suffix",
            "best_of", "functions", "function_call", "audio", "prediction", "web_search_options");

    static boolean isOne(JsonNode row) {
        return row.hasNonNull("custom_id") || row.hasNonNull("body") && row.hasNonNull("url");
    }

    /**
     * @throws FieldException when it is none of the two kinds of request that generate text
     */
    static OpenAiRequest of(JsonNode row) {
        var fields = new JsonFields(row);
        for (var name : List.of("custom_id", "url", "body")) {
            if (!fields.has(name)) {
                throw new FieldException(name, "is missing");
            }
        }
        if (fields.has("method") && !fields.string("method").equals("POST")) {
            throw JsonFields.wrong("method", "\"POST\"", row.get("method"));
        }
        var url = fields.string("url");
        if (!url.equals(CHAT) && !url.equals(TEXT)) {
            throw JsonFields.wrong("url", CHAT + " or " + TEXT, row.get("url"));
        }
        var body = row.get("body");
        if (!body.isObject()) {
            throw JsonFields.wrong("body", "an object", body);
        }
        var model = new JsonFields(body).string("model");
        return new OpenAiRequest(url.equals(CHAT), model == null ? "" : model);
    }

    /**
     * The request as a row of our own form.
     *
     * @throws FieldException naming what this version cannot do
     */
    JsonNode ownForm(JsonNode body) {
        for (var name : NOT_SUPPORTED) {
            var value = body.path(name);
            boolean harmless = value.isMissingNode() || value.isNull() || value.isContainerNode() && value.isEmpty()
                    || value.isBoolean() && !value.booleanValue() || value.isTextual() && value.textValue().isEmpty()
                    || name.equals("best_of") && value.asInt() == body.path("n").asInt(1)
                    || name.equals("response_format") && value.path("type").asText().equals("text");
            if (!harmless) {
                throw new FieldException(name, "in an OpenAI request is not supported by this version");
            }
        }
        ObjectNode row = body.deepCopy();
        row.remove(List.of("id", chat ? "prompt" : "messages"));
        for (var name : List.of("max_tokens", "max_completion_tokens", "min_tokens", "n")) {
            var value = row.remove(name);
            if (value != null && !value.isNull()) {
                row.set(RENAMED.get(name), value);
            }
        }
        var wanted = chat ? "messages" : "prompt";
        if (!row.hasNonNull(wanted)) {
            throw new FieldException(wanted, "is missing");
        }
        return row;
    }
}
