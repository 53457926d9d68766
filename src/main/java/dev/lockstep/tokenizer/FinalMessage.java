package dev.lockstep.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Strings;

/**
 * The last message of a conversation when the model is to go on with it: marked for the template, so that the prompt can
 * be cut where the message ends, whatever the template puts behind it. The mark is transformers', as some templates look
 * for it.
 *
 * @param messages the conversation with the mark in it
 * @param text     of the last message, without the mark
 */
record FinalMessage(List<Object> messages, String text) {
    private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG";

    /**
     * @throws IllegalArgumentException when there is no such message or it has no text
     */
    static FinalMessage mark(@Nullable Object conversation) {
        if (!(conversation instanceof List<?> messages) || messages.isEmpty()
                || !(messages.get(messages.size() - 1)instanceof Map<?, ?> last)) {
            throw new IllegalArgumentException("continue_final_message: there is no message to go on with");
        }
        List<Object> marked = new ArrayList<>(messages);
        Map<Object, Object> copy = new LinkedHashMap<>(last);
        marked.set(marked.size() - 1, copy);
        Object content = last.get("content");
        if (content instanceof String text) {
            copy.put("content", text + MARK + " ");
            return new FinalMessage(marked, text);
        }
        List<Object> parts = content instanceof List<?> list ? new ArrayList<>(list) : List.of();
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i)instanceof Map<?, ?> part && part.get("text")instanceof String text) {
                Map<Object, Object> markedPart = new LinkedHashMap<>(part);
                markedPart.put("text", text + MARK + " ");
                parts.set(i, markedPart);
                copy.put("content", parts);
                return new FinalMessage(marked, text);
            }
        }
        throw new IllegalArgumentException("continue_final_message: the last message has no text to go on with");
    }

    /**
     * The text up to the end of the last message. A template that took the blank off the mark has also taken blanks off
     * the message, as far as can be told. One that says the message more than once has its other marks taken out.
     *
     * @throws IllegalArgumentException when the template has left out the message or part of it
     */
    String cut(String rendered) {
        int at = rendered.lastIndexOf(MARK);
        if (at < 0 || !rendered.contains(Strings.strip(text, null, true, true))) {
            throw new IllegalArgumentException(
                    "continue_final_message: the chat template does not repeat the last message as it is");
        }
        String before = rendered.substring(0, at);
        String kept = rendered.startsWith(" ", at + MARK.length()) ? before : Strings.strip(before, null, false, true);
        return text.contains(MARK) ? kept : kept.replace(MARK + " ", "").replace(MARK, "");
    }
}
