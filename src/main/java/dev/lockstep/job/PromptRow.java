package dev.lockstep.job;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

/** Makes a {@link Prompt} of one JSON value: a string, or an object with a prompt. Fields it does not know are the user's. */
final class PromptRow {
    /** What would change the answer if it were silently left out. */
    private static final List<String> NOT_SUPPORTED = List.of("presence_penalty", "frequency_penalty", "logprobs",
            "num_samples");

    private PromptRow() {}

    /**
     * @param place how an error names the row, such as {@code line 7}
     */
    static Prompt of(int index, String place, JsonNode row) {
        var id = Integer.toString(index);
        try {
            if (row.isTextual()) {
                var fields = new JsonFields(Json.MAPPER.createObjectNode().set("prompt", row));
                return new Prompt(index, id, fields.string("prompt"), SamplingOverrides.NONE, null);
            }
            if (!row.isObject()) {
                throw JsonFields.wrong("a row", "an object with a prompt", row);
            }
            id = id(row, id);
            return new Prompt(index, id, text(row), SamplingOverrides.ofRow(row), null);
        } catch (FieldException e) {
            return Prompt.broken(index, id, place + ": " + e.getMessage());
        }
    }

    private static String id(JsonNode row, String otherwise) {
        var fields = new JsonFields(row);
        if (!fields.has("id")) {
            return otherwise;
        }
        var id = row.get("id");
        if (id.isNumber()) {
            return id.asText();
        }
        if (!id.isTextual()) {
            throw JsonFields.wrong("id", "a string or a number", id);
        }
        return fields.string("id");
    }

    private static String text(JsonNode row) {
        var fields = new JsonFields(row);
        for (var name : NOT_SUPPORTED) {
            if (fields.has(name) && row.get(name).asDouble(1) != 0) {
                throw new FieldException(name, "in a row is not supported by this version");
            }
        }
        if (fields.has("prompt")) {
            return fields.string("prompt");
        }
        if (fields.has("messages")) {
            throw new FieldException("messages",
                    "(chat) are not supported by this version, so give the text as \"prompt\"");
        }
        if (fields.has("body") && fields.has("custom_id")) {
            throw new FieldException("body",
                    "(OpenAI batch line) is not supported by this version, so give the text as \"prompt\"");
        }
        throw new FieldException("prompt", "is missing");
    }
}
