package dev.lockstep.jinja.python.values;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Values to text as Python's {@code str} and {@code repr} write them. */
public final class Repr {
    private Repr() {}

    /** Python's {@code str(value)}. */
    public static String str(@Nullable Object value, Rendering r) {
        String text = Values.text(value);
        if (text != null) {
            return text;
        }
        return value instanceof Undefined ? "" : repr(value, r);
    }

    /** Python's {@code repr(value)}. */
    public static String repr(@Nullable Object value, Rendering r) {
        StringBuilder out = new StringBuilder();
        repr(value, r, out);
        return out.toString();
    }

    private static void repr(@Nullable Object value, Rendering r, StringBuilder out) {
        r.enter();
        int before = out.length();
        if (value == null) {
            out.append("None");
        } else if (value instanceof Boolean flag) {
            out.append(flag ? "True" : "False");
        } else if (Values.isNumber(value)) {
            Numbers.charge(value, r);
            out.append(number(value));
        } else if (value instanceof String text) {
            r.characters(text.length());
            out.append(quoted(text));
        } else if (value instanceof Markup markup) {
            r.characters(markup.text().length());
            out.append("Markup(").append(quoted(markup.text())).append(')');
        } else if (value instanceof Range) {
            out.append(value);
        } else if (value instanceof List<?> list) {
            boolean tuple = value instanceof Tuple;
            items(list.iterator(), tuple ? "(" : "[", tuple ? list.size() == 1 ? ",)" : ")" : "]", r, out);
        } else if (value instanceof Map<?, ?> map) {
            entries(map, r, out);
        } else if (value instanceof DictView view) {
            out.append("dict_").append(view.kind().name().toLowerCase(Locale.ROOT)).append('(');
            items(view.iterator(), "[", "])", r, out);
        } else if (value instanceof Undefined) {
            out.append("Undefined");
        } else if (value instanceof JinjaObject object) {
            object.repr(r, out);
        } else {
            throw new TemplateException("a " + Values.type(value) + " has no text of its own"
                    + (value instanceof PythonGenerator ? ", so put |list or |join after it" : ""));
        }
        r.characters(Math.min(16, out.length() - before));
        r.leave();
    }

    private static void items(Iterator<?> items, String begin, String end, Rendering r, StringBuilder out) {
        out.append(begin);
        for (boolean first = true; items.hasNext(); first = false) {
            out.append(first ? "" : ", ");
            repr(items.next(), r, out);
        }
        out.append(end);
    }

    /** Appends a dict in its braces. */
    public static void entries(Map<?, ?> map, Rendering r, StringBuilder out) {
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(first ? "" : ", ");
            first = false;
            repr(entry.getKey(), r, out);
            out.append(": ");
            repr(entry.getValue(), r, out);
        }
        out.append('}');
    }

    /** A number, true and false among them. */
    public static String number(@Nullable Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "True" : "False";
        }
        return value instanceof Double number
                ? Numbers.text(number)
                : value instanceof BigInteger big ? Numbers.text(big) : String.valueOf(value);
    }

    /** A string in quotes, with escapes for what cannot be printed. */
    public static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
        text.codePoints().forEach(c -> {
            int simple = "\n\r\t\\".indexOf(c);
            if (simple >= 0) {
                out.append('\\').append("nrt\\".charAt(simple));
            } else if (c == quote) {
                out.append('\\').append(quote);
            } else if (!Strings.isPrintable(c)) {
                out.append(String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.append(quote).toString();
    }
}
