package dev.lockstep.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * OpenAI's form of a message's content: a list of parts, of which those of type {@code text} are text. Templates want
 * either this or one string.
 */
public final class ContentParts {
    private ContentParts() {}

    /**
     * @param messages a conversation's
     * @throws IllegalArgumentException naming a part that is no text, which a model of texts cannot be given
     */
    public static void requireTexts(JsonNode messages) {
        for (int i = 0; i < messages.size(); i++) {
            JsonNode content = messages.get(i).path("content");
            for (int part = 0; content.isArray() && part < content.size(); part++) {
                JsonNode one = content.get(part);
                require(one.isTextual() || isText(one.isObject(), one.path("type").asText("text"))
                        && one.path("text").isTextual(), i, part, one.path("type").asText(""));
            }
        }
    }

    private static boolean isText(boolean object, String type) {
        return object && type.equals("text");
    }

    private static void require(boolean text, int message, int part, String type) {
        if (!text) {
            String what = type.isEmpty() || type.equals("text") ? "is no text" : "is of type " + type;
            throw new IllegalArgumentException("messages: part " + (part + 1) + " of the content of message "
                    + (message + 1) + " " + what + ", and this version reads text only, so leave it out");
        }
    }

    /**
     * The messages with each content of a role that takes one string as such, its parts on lines of their own.
     *
     * @param takesParts whether the template takes parts from messages of this role
     * @throws IllegalArgumentException naming a part that cannot be joined as it is no text
     */
    static List<Object> joined(List<?> messages, Predicate<String> takesParts) {
        List<Object> all = new ArrayList<>(messages);
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i) instanceof Map<?, ?> message && message.get("content")instanceof List<?> parts
                    && !takesParts.test(String.valueOf(message.get("role")))) {
                Map<Object, Object> copy = new LinkedHashMap<>(message);
                copy.put("content", joined(parts, i));
                all.set(i, copy);
            }
        }
        return all;
    }

    private static String joined(List<?> parts, int message) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            Object text = parts.get(i);
            Object type = "";
            if (text instanceof Map<?, ?> part) {
                type = part.containsKey("type") ? part.get("type") : "text";
                text = "text".equals(type) ? part.get("text") : null;
            }
            require(text instanceof String, message, i, String.valueOf(type));
            texts.add((String) text);
        }
        return String.join("\n", texts);
    }
}
