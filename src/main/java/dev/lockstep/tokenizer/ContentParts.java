package dev.lockstep.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

/**
 * OpenAI's form of a message's content: a list of parts, of which those of type {@code text} are text. Templates want
 * either this or one string.
 */
final class ContentParts {
    private ContentParts() {}

    /**
     * @param messages a conversation's
     * @throws IllegalArgumentException naming a part that is no text, which a model of texts cannot be given
     */
    static void requireTexts(List<?> messages) {
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i)instanceof Map<?, ?> message && message.get("content")instanceof List<?> parts) {
                for (int part = 0; part < parts.size(); part++) {
                    if (text(parts.get(part)) == null) {
                        throw new IllegalArgumentException("messages: part " + (part + 1)
                                + " of the content of message " + (i + 1) + " is " + kind(parts.get(part))
                                + ", and this version reads text only, so leave it out");
                    }
                }
            }
        }
    }

    /** Null where a part is no text. */
    private static @Nullable String text(@Nullable Object part) {
        if (part instanceof Map<?, ?> named) {
            boolean isText = !named.containsKey("type") || "text".equals(named.get("type"));
            return isText && named.get("text")instanceof String text ? text : null;
        }
        return part instanceof String text ? text : null;
    }

    private static String kind(@Nullable Object part) {
        Object type = part instanceof Map<?, ?> named ? named.get("type") : null;
        return type instanceof String text && !text.equals("text") ? "of type " + text : "no text";
    }

    /**
     * The messages with each content of a role that takes one string as such, its parts on lines of their own.
     *
     * @param messages   with parts that are texts only
     * @param takesParts whether the template takes parts from messages of this role
     */
    static List<Object> joined(List<?> messages, Predicate<String> takesParts) {
        List<Object> all = new ArrayList<>(messages);
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i)instanceof Map<?, ?> message && message.get("content")instanceof List<?> parts
                    && !takesParts.test(String.valueOf(message.get("role")))) {
                Map<Object, Object> copy = new LinkedHashMap<>(message);
                copy.put("content", String.join("\n", parts.stream().map(ContentParts::text).toList()));
                all.set(i, copy);
            }
        }
        return all;
    }
}
