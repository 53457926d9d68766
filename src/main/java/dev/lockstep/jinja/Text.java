package dev.lockstep.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Values to text as Python writes them, and Python's notions of white space and case. */
public final class Text {
    private Text() {}

    /** Python's {@code str(value)}. */
    static String str(Object value, Rendering r) {
        String text = Values.text(value);
        if (text != null) {
            return text;
        }
        return value instanceof Undefined ? "" : repr(value, r);
    }

    /** Python's {@code repr(value)}. */
    static String repr(Object value, Rendering r) {
        StringBuilder out = new StringBuilder();
        repr(value, r, out);
        return out.toString();
    }

    private static void repr(Object value, Rendering r, StringBuilder out) {
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
        } else if (value instanceof Namespace namespace) {
            out.append("<Namespace ");
            entries(namespace.attributes, r, out);
            out.append('>');
        } else if (value instanceof Macro macro) {
            out.append("<Macro ").append(quoted(macro.name())).append('>');
        } else if (value instanceof Loop loop) {
            out.append("<LoopContext ").append(loop.index()).append('/').append(loop.length()).append('>');
        } else if (value instanceof Blocks) {
            out.append("<TemplateReference None>");
        } else {
            throw new TemplateException("a " + Values.type(value) + " has no text of its own"
                    + (value instanceof Generator ? ", so put |list or |join after it" : ""));
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

    private static void entries(Map<?, ?> map, Rendering r, StringBuilder out) {
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

    static String number(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "True" : "False";
        }
        return value instanceof Double number
                ? Numbers.text(number)
                : value instanceof BigInteger big ? Numbers.text(big) : value.toString();
    }

    static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
        text.codePoints().forEach(c -> {
            int simple = "\n\r\t\\".indexOf(c);
            if (simple >= 0) {
                out.append('\\').append("nrt\\".charAt(simple));
            } else if (c == quote) {
                out.append('\\').append(quote);
            } else if (!isPrintable(c)) {
                out.append(String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.append(quote).toString();
    }

    static boolean isPrintable(int c) {
        if (c >= ' ' && c < 0x7f) {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    static boolean isSpace(int c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    }

    /** Whether Python's {@code splitlines} ends a line here. */
    static boolean endsLine(int c) {
        return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029;
    }

    /**
     * Python's {@code strip} and its one-sided forms.
     *
     * @param characters what to take off; null for white space
     */
    public static String strip(String text, String characters, boolean left, boolean right) {
        int begin = 0;
        int end = text.length();
        while (left && begin < end && strips(text.codePointAt(begin), characters)) {
            begin += Character.charCount(text.codePointAt(begin));
        }
        while (right && end > begin && strips(text.codePointBefore(end), characters)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(begin, end);
    }

    private static boolean strips(int c, String characters) {
        return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return titled(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    /** A character as it begins a title; Java has only the titles that are one character. */
    static String titled(int c) {
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        int titled = Character.toTitleCase(c);
        return titled == c && upper.codePointCount(0, upper.length()) > 1
                ? Character.toString(upper.codePointAt(0))
                        + upper.substring(upper.offsetByCodePoints(0, 1)).toLowerCase(Locale.ROOT)
                : Character.toString(titled);
    }

    /** So many of one character, after asking whether that is allowed. */
    static String repeated(String character, long count, Rendering r) {
        long times = Math.max(0, count);
        r.characters(Math.min(times, Integer.MAX_VALUE) * character.length());
        return character.repeat((int) times);
    }
}
