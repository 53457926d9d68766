package dev.lockstep.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

import dev.lockstep.jinja.rendering.TemplateException;

/**
 * A conversation with two parts in one content, to see whether a template shows both: some add them to a string and fail,
 * some print Python's list, some take the first and drop the others.
 *
 * @param before messages
 * @param role   of the message with the parts
 * @param after  messages
 */
record PartsProbe(List<Object> before, String role, List<Object> after) {
    private static final String ONE = "partnumberone";
    private static final String TWO = "partnumbertwo";
    /** How a part looks in the text of a list and in JSON. */
    private static final List<String> WRITTEN = List.of("'text': '" + ONE, "\"text\": \"" + ONE,
            "\"text\":\"" + ONE);
    private static final Object QUESTION = message("user", "question");

    /** Since many templates refuse what is no proper conversation, several in which a message of this role may stand. */
    static List<PartsProbe> conversations(String role) {
        List<Object> question = List.of(QUESTION);
        return switch (role) {
            case "user" -> List.of(new PartsProbe(List.of(), role, List.of()),
                    new PartsProbe(List.of(message("system", "system")), role, List.of()));
            case "assistant" -> List.of(new PartsProbe(question, role, question),
                    new PartsProbe(question, role, List.of()));
            case "tool" -> List.of(new PartsProbe(List.of(QUESTION, call()), role, List.of()),
                    new PartsProbe(question, role, List.of()));
            default -> List.of(new PartsProbe(List.of(), role, question), new PartsProbe(question, role, List.of()));
        };
    }

    private static Map<String, Object> message(String role, Object content) {
        return Map.of("role", role, "content", content);
    }

    private static Object call() {
        Map<String, Object> function = Map.of("name", "f", "arguments", Map.of("x", 1L));
        return Map.of("role", "assistant", "content", "", "tool_calls",
                List.of(Map.of("id", "abcdefghi", "type", "function", "function", function)));
    }

    private static Object part(String text) {
        return Map.of("type", "text", "text", text);
    }

    boolean succeeds(Function<List<Object>, String> template) {
        try {
            String rendered = template.apply(with(List.of(part(ONE), part(TWO))));
            return rendered.contains(ONE) && rendered.contains(TWO) && WRITTEN.stream().noneMatch(rendered::contains);
        } catch (TemplateException e) {
            return false;
        }
    }

    private List<Object> with(Object content) {
        List<Object> messages = new ArrayList<>(before);
        Map<String, Object> message = new java.util.LinkedHashMap<>(message(role, content));
        if (role.equals("tool")) {
            message.put("tool_call_id", "abcdefghi");
            message.put("name", "f");
        }
        messages.add(message);
        messages.addAll(after);
        return messages;
    }
}
