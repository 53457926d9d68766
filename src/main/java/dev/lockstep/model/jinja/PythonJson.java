package dev.lockstep.model.jinja;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The filter {@code tojson} as transformers has it: {@code json.dumps} without escapes for HTML. */
final class PythonJson {
    private final StringBuilder out = new StringBuilder();
    private final boolean ascii;
    private final String indent;
    private final String comma;
    private final String colon;
    private final boolean sorted;

    private PythonJson(Arguments arguments) {
        ascii = Values.isTrue(arguments.get(0, "ensure_ascii", false));
        Object indentation = arguments.get(1, "indent", null);
        indent = indentation == null
                ? null
                : indentation instanceof String text ? text : " ".repeat(arguments.integer(1, "indent", 0));
        Object separators = arguments.get(2, "separators", null);
        comma = separators == null ? indent == null ? ", " : "," : Text.str(Values.iterate(separators).get(0));
        colon = separators == null ? ": " : Text.str(Values.iterate(separators).get(1));
        sorted = Values.isTrue(arguments.get(3, "sort_keys", false));
    }

    static String dump(Object value, Arguments arguments) {
        PythonJson json = new PythonJson(arguments);
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Object value, int depth) {
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Double number) {
            String text = Text.number(number);
            out.append(text.equals("nan") ? "NaN" : text.replace("inf", "Infinity"));
        } else if (value instanceof Number) {
            out.append(value);
        } else if (value instanceof String text) {
            string(text);
        } else if (value instanceof List<?> list) {
            out.append('[');
            for (int i = 0; i < list.size(); i++) {
                out.append(i > 0 ? comma : "");
                line(depth + 1);
                write(list.get(i), depth + 1);
            }
            close(!list.isEmpty(), depth, ']');
        } else if (value instanceof Map<?, ?> map) {
            object(sorted ? new TreeMap<>(map) : map, depth);
        } else {
            throw new TemplateException("Object of type " + Values.type(value) + " is not JSON serializable");
        }
    }

    private void object(Map<?, ?> map, int depth) {
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(first ? "" : comma);
            first = false;
            line(depth + 1);
            Object key = entry.getKey();
            string(key == null || key instanceof Boolean ? String.valueOf(key) : Text.str(key));
            out.append(colon);
            write(entry.getValue(), depth + 1);
        }
        close(!first, depth, '}');
    }

    private void line(int depth) {
        if (indent != null) {
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
        out.append('"');
        for (char c : text.toCharArray()) {
            int simple = "\"\\\n\r\t\b\f".indexOf(c);
            if (simple >= 0) {
                out.append('\\').append("\"\\nrtbf".charAt(simple));
            } else if (c < ' ' || ascii && c > '~') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
