package dev.lockstep.prompts;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.json.FieldException;
import dev.lockstep.json.JsonFields;

/**
 * What of a line of an OpenAI batch file its answer repeats.
 *
 * @param chat  whether it went to {@code /v1/chat/completions}, not to {@code /v1/completions}
 * @param model the model it asked for; empty where it named none
 */
public record OpenAiRequest(boolean chat, String model) {
    private static final String CHAT = "/v1/chat/completions";
    private static final String TEXT = "/v1/completions";

    public static OpenAiRequest toChat(String model) {
        return new OpenAiRequest(true, model);
    }

    public static OpenAiRequest toCompletions(String model) {
        return new OpenAiRequest(false, model);
    }

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
        if (fields.has("method") && !"POST".equals(fields.string("method"))) {
            throw JsonFields.wrong("method", "\"POST\"", row.get("method"));
        }
        var url = fields.string("url");
        if (!CHAT.equals(url) && !TEXT.equals(url)) {
            throw JsonFields.wrong("url", CHAT + " or " + TEXT, row.get("url"));
        }
        var body = row.get("body");
        if (!body.isObject()) {
            throw JsonFields.wrong("body", "an object", body);
        }
        var model = new JsonFields(body).string("model");
        return new OpenAiRequest(CHAT.equals(url), model == null ? "" : model);
    }

    /**
     * The request as a row of our own form.
     *
     * @throws FieldException naming what this version cannot do
     */
    JsonNode ownForm(JsonNode body) {
        ObjectNode row = body.deepCopy();
        // of the two names the newer one counts
        if (row.hasNonNull("max_completion_tokens")) {
            row.remove("max_tokens");
        }
        row.remove(List.of("id", chat ? "prompt" : "messages"));
        var wanted = chat ? "messages" : "prompt";
        if (!row.hasNonNull(wanted)) {
            throw new FieldException(wanted, "is missing");
        }
        return row;
    }
}
