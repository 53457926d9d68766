package dev.lockstep.prompts;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.json.FieldException;
import dev.lockstep.json.JsonFields;

/**
 * What of a line of an OpenAI batch file its answer repeats.
 *
 * @param endpoint where it went
 * @param model    the model it asked for; empty where it named none
 * @param echo     whether the answer begins with the prompt
 * @param dimensions that an embedding is to have; 0 for all
 */
public record OpenAiRequest(Endpoint endpoint, String model, boolean echo,
        @JsonInclude(JsonInclude.Include.NON_DEFAULT) int dimensions) {
    private static final List<String> OF_EMBEDDINGS = List.of("model", "input", "encoding_format", "dimensions",
            "user");

    /** What is asked for. */
    public enum Endpoint {
        /** A conversation's next turn. */
        CHAT("/v1/chat/completions"),
        /** A text's continuation. */
        COMPLETIONS("/v1/completions"),
        /** Vectors. */
        EMBEDDINGS("/v1/embeddings");

        private final String url;

        Endpoint(String url) {
            this.url = url;
        }

        /** The path by which it is asked for. */
        public String url() {
            return url;
        }
    }

    public static OpenAiRequest toChat(String model) {
        return new OpenAiRequest(Endpoint.CHAT, model, false, 0);
    }

    public static OpenAiRequest toCompletions(String model) {
        return new OpenAiRequest(Endpoint.COMPLETIONS, model, false, 0);
    }

    static boolean isOne(JsonNode row) {
        return row.hasNonNull("custom_id") || row.hasNonNull("body") && row.hasNonNull("url");
    }

    /**
     * @throws FieldException when it is none of these kinds of request
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
        Endpoint endpoint = Arrays.stream(Endpoint.values()).filter(one -> one.url.equals(url)).findFirst()
                .orElseThrow(() -> JsonFields.wrong("url", Endpoint.CHAT.url + ", " + Endpoint.COMPLETIONS.url + " or "
                        + Endpoint.EMBEDDINGS.url, row.get("url")));
        var body = row.get("body");
        if (!body.isObject()) {
            throw JsonFields.wrong("body", "an object", body);
        }
        var asked = new JsonFields(body);
        var model = asked.string("model");
        return new OpenAiRequest(endpoint, model == null ? "" : model,
                endpoint == Endpoint.COMPLETIONS && Boolean.TRUE.equals(asked.flag("echo")),
                endpoint == Endpoint.EMBEDDINGS ? dimensions(asked) : 0);
    }

    private static int dimensions(JsonFields body) {
        Integer dimensions = body.integer("dimensions");
        if (dimensions != null && dimensions < 1) {
            throw new FieldException("dimensions", "must be 1 or more, not " + dimensions);
        }
        return dimensions == null ? 0 : dimensions;
    }

    /**
     * The texts of a request for embeddings, at least one, each of which gets one.
     *
     * @throws FieldException naming what this version cannot do
     */
    static List<String> inputs(JsonNode body) {
        for (String name : (Iterable<String>) body::fieldNames) {
            if (!OF_EMBEDDINGS.contains(name)) {
                throw new FieldException(name, "is not supported by this version in a request for embeddings");
            }
        }
        JsonFields fields = new JsonFields(body);
        if (fields.has("encoding_format") && !"float".equals(fields.string("encoding_format"))) {
            throw JsonFields.wrong("encoding_format", "\"float\"", body.get("encoding_format"));
        }
        if (!fields.has("input")) {
            throw new FieldException("input", "is missing");
        }
        JsonNode input = body.get("input");
        List<String> texts = new ArrayList<>();
        for (JsonNode text : input.isArray() ? input : List.of(input)) {
            if (!text.isTextual()) {
                throw JsonFields.wrong("input", "a text, or an array of texts", input);
            }
            texts.add(JsonFields.string("input", text));
        }
        if (texts.isEmpty() || texts.size() > Prompt.MOST_SAMPLES) {
            throw new FieldException("input",
                    "must have from 1 to " + Prompt.MOST_SAMPLES + " texts, not " + texts.size());
        }
        return texts;
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
        boolean chat = endpoint == Endpoint.CHAT;
        if (row.hasNonNull("prompt_logprobs")) {
            throw new FieldException("prompt_logprobs",
                    "in an OpenAI request is not supported by this version: give echo with logprobs");
        }
        if (echo) {
            row.remove("echo");
            // of the prompt's tokens too
            if (row.path("logprobs").isIntegralNumber()) {
                row.set("prompt_logprobs", row.get("logprobs"));
            }
        }
        row.remove(List.of("id", chat ? "prompt" : "messages"));
        var wanted = chat ? "messages" : "prompt";
        if (!row.hasNonNull(wanted)) {
            throw new FieldException(wanted, "is missing");
        }
        return row;
    }
}
