package dev.lockstep.jinja.python;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** The filter {@code tojson} as transformers has it: {@code json.dumps} without escapes for HTML. */
public final class PythonJson {
    private final StringBuilder out = new StringBuilder();
    private final Rendering rendering;
    private final boolean ascii;
    private final @Nullable String indent;
    private final String comma;
    private final String colon;
    private final boolean sorted;

    private PythonJson(Arguments arguments) {
        rendering = arguments.rendering();
        ascii = arguments.flag("ensure_ascii");
        Object indentation = arguments.get("indent", null);
        indent = indentation == null
                ? null
                : Values.isText(indentation)
                        ? Values.text(indentation)
                        : Strings.repeated(" ", arguments.integer("indent", 0), rendering);
        Object separators = arguments.get("separators", null);
        List<Object> both = separators == null ? List.of() : Values.list(separators, rendering);
        if (separators != null && both.size() != 2) {
            throw new TemplateException("tojson: separators must be two texts");
        }
        comma = separators == null ? indent == null ? ", " : "," : Values.requireText(both.get(0));
        colon = separators == null ? ": " : Values.requireText(both.get(1));
        sorted = arguments.flag("sort_keys");
    }

    /**
     * The value as JSON.
     *
     * @param arguments {@code ensure_ascii}, {@code indent}, {@code separators} and {@code sort_keys}
     * @throws TemplateException when something in it cannot be JSON
     */
    public static String dump(@Nullable Object value, Arguments arguments) {
        PythonJson json = new PythonJson(arguments);
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(@Nullable Object value, int depth) {
        rendering.enter();
        rendering.characters(8);
        String text = Values.text(value);
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (Values.isNumber(value)) {
            Numbers.charge(value, rendering);
            out.append(number(value));
        } else if (text != null) {
            string(text);
        } else if (value instanceof List<?> list && !(value instanceof Range)) {
            out.append('[');
            for (int i = 0; i < list.size(); i++) {
                append(i > 0 ? comma : "");
                line(depth + 1);
                write(list.get(i), depth + 1);
            }
            close(!list.isEmpty(), depth, ']');
        } else if (value instanceof Map<?, ?> map) {
            object(map, depth);
        } else {
            throw new TemplateException("Object of type " + Values.type(value) + " is not JSON serializable");
        }
        rendering.leave();
    }

    private static String number(@Nullable Object value) {
        if (value instanceof Double number) {
            return number.isNaN() ? "NaN" : Numbers.text(number).replace("inf", "Infinity");
        }
        return value instanceof BigInteger big ? Numbers.text(big) : String.valueOf(value);
    }

    private void object(Map<?, ?> map, int depth) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort((a, b) -> Comparisons.compare(a.getKey(), b.getKey(), "<", rendering));
        }
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : entries) {
            append(first ? "" : comma);
            first = false;
            line(depth + 1);
            string(key(entry.getKey()));
            append(colon);
            write(entry.getValue(), depth + 1);
        }
        close(!first, depth, '}');
    }

    private static String key(@Nullable Object key) {
        String text = Values.text(key);
        if (text != null) {
            return text;
        }
        if (key == null || key instanceof Boolean) {
            return String.valueOf(key);
        }
        if (Values.isNumber(key)) {
            return number(key);
        }
        throw new TemplateException("keys must be str, int, float, bool or None, not " + Values.type(key));
    }

    private void append(String text) {
        rendering.characters(text.length());
        out.append(text);
    }

    private void line(int depth) {
        if (indent != null) {
            rendering.characters(1 + (long) indent.length() * depth);
            out.append('\n').append(indent.repeat(depth));
        }
    }

    private void close(boolean filled, int depth, char bracket) {
        if (filled) {
            line(depth);
        }
        out.append(bracket);
    }

    private void string(String text) {
        rendering.characters(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int simple = c < ' ' || c == '"' || c == '\\' ? "\"\\\n\r\t\b\f".indexOf(c) : -1;
            if (simple >= 0) {
                out.append('\\').append("\"\\nrtbf".charAt(simple));
            } else if (c < ' ' || ascii && c > '~') {
                rendering.characters(6);
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
