package dev.lockstep.prompts;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.json.FieldException;
import dev.lockstep.json.Json;
import dev.lockstep.json.JsonFields;
import dev.lockstep.prompts.OpenAiRequest.Endpoint;

/**
 * Makes a {@link Prompt} of one JSON value: a string, an object with a prompt or with messages, or a request of OpenAI's
 * batch form. Fields it does not know are the user's.
 */
final class PromptParser {
    private PromptParser() {}

    /**
     * @param place how an error names the row, such as {@code line 7}
     * @param names counts what may be mistyped
     */
    static Prompt of(int index, String place, JsonNode row, MistypedFields names) {
        var id = Integer.toString(index);
        OpenAiRequest openAi = null;
        try {
            if (row.isTextual()) {
                var fields = new JsonFields(Json.MAPPER.createObjectNode().set("prompt", row));
                return new Prompt(index, id, fields.string("prompt"), SamplingOverrides.NONE, null);
            }
            if (!row.isObject()) {
                throw JsonFields.wrong("a row", "an object with a prompt", row);
            }
            var own = row;
            if (OpenAiRequest.isOne(row)) {
                id = name(row, "custom_id", id);
                // known before the rest is read, so that whatever is wrong is answered in the form that was asked in
                openAi = OpenAiRequest.toChat("");
                openAi = OpenAiRequest.of(row);
                if (openAi.endpoint() == Endpoint.EMBEDDINGS) {
                    List<String> texts = OpenAiRequest.inputs(row.get("body"));
                    return Prompt.ofText(index, id, texts.get(0), SamplingOverrides.NONE, null, openAi)
                            .withScored(texts, texts.size());
                }
                own = openAi.ownForm(row.get("body"));
            } else {
                id = name(row, "id", id);
                names.count(row);
            }
            return good(index, id, own, openAi);
        } catch (FieldException e) {
            return Prompt.broken(index, id, place + ": " + e.getMessage(), openAi);
        }
    }

    private static Prompt good(int index, String id, JsonNode row, @Nullable OpenAiRequest openAi) {
        PromptFields.check(row, openAi != null);
        var fields = new JsonFields(row);
        var samplesName = fields.either("num_samples", "n", "num_return_sequences");
        var samples = fields.integer(samplesName);
        if (samples != null && (samples < 1 || samples > Prompt.MOST_SAMPLES)) {
            throw new FieldException(samplesName,
                    "must be from 1 to " + Prompt.MOST_SAMPLES + ", not " + samples);
        }
        if (fields.has("prompt") == fields.has("messages")) {
            throw fields.has("prompt")
                    ? new FieldException("prompt", "and messages exclude each other, so give one of them")
                    : new FieldException("prompt", "is missing");
        }
        var overrides = SamplingFields.ofRow(row);
        Prompt prompt = fields.has("prompt")
                ? Prompt.ofText(index, id, fields.string("prompt"), overrides, samples, openAi)
                : Prompt.ofChat(index, id, chat(row), overrides, samples, openAi);
        return openAi == null ? prompt.withScored(ScoredRows.texts(row), samples) : prompt;
    }

    private static String name(JsonNode row, String field, String otherwise) {
        var fields = new JsonFields(row);
        if (!fields.has(field)) {
            return otherwise;
        }
        var id = row.get(field);
        if (id.isNumber()) {
            return id.asText();
        }
        if (!id.isTextual()) {
            throw JsonFields.wrong(field, "a string or a number", id);
        }
        return JsonFields.string(field, id);
    }

    /** The variables of the chat template: the messages, what belongs to them, and {@code chat_template_kwargs}. */
    private static JsonNode chat(JsonNode row) {
        var messages = row.get("messages");
        if (!messages.isArray() || messages.isEmpty()) {
            throw JsonFields.wrong("messages", "an array of messages, at least one", messages);
        }
        for (var message : messages) {
            if (!message.isObject() || !message.path("role").isTextual()) {
                throw JsonFields.wrong("messages", "objects with a role and a content", message);
            }
        }
        ObjectNode chat = Json.MAPPER.createObjectNode();
        var fields = new JsonFields(row);
        var continues = fields.flag("continue_final_message");
        var generation = fields.flag("add_generation_prompt");
        chat.put("add_generation_prompt", generation != null ? generation : !Boolean.TRUE.equals(continues));
        for (var name : PromptFields.TEMPLATE) {
            if (fields.has(name)) {
                chat.set(name, row.get(name));
            }
        }
        if (fields.has("chat_template_kwargs")) {
            var more = row.get("chat_template_kwargs");
            if (!(more instanceof ObjectNode object)) {
                throw JsonFields.wrong("chat_template_kwargs", "an object", more);
            }
            chat.setAll(object);
        }
        chat.set("messages", messages);
        return chat;
    }
}
