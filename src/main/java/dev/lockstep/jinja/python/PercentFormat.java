package dev.lockstep.jinja.python;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Python's {@code %} on a string. */
public final class PercentFormat {
    private final String text;
    private final boolean html;
    private final @Nullable Object given;
    private final List<?> values;
    private final Rendering rendering;
    private int at;
    private int next;
    private boolean byName;

    private PercentFormat(String text, boolean html, @Nullable Object given, Rendering rendering) {
        this.text = text;
        this.html = html;
        this.given = given;
        this.values = given instanceof Tuple tuple ? tuple : java.util.Collections.singletonList(given);
        this.rendering = rendering;
    }

    /**
     * @param text   a string, or HTML, which escapes what is put in
     * @param values a tuple of values, a mapping of them, or one value
     */
    public static String apply(@Nullable Object text, @Nullable Object values, Rendering r) {
        return new PercentFormat(Values.requireText(text), text instanceof Markup, values, r).run();
    }

    private String run() {
        StringBuilder out = new StringBuilder();
        rendering.characters(text.length());
        while (at < text.length()) {
            int end = text.indexOf('%', at);
            out.append(text, at, end < 0 ? text.length() : end);
            at = end < 0 ? text.length() : end + 1;
            if (end >= 0) {
                String part = conversion();
                rendering.characters(part.length());
                out.append(part);
            }
        }
        boolean mapping = given instanceof Map || given instanceof List && !(given instanceof Tuple);
        if (next < values.size() && !byName && !mapping) {
            throw new TemplateException("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private char peek() {
        if (at >= text.length()) {
            throw new TemplateException("incomplete format");
        }
        return text.charAt(at);
    }

    private @Nullable Object take() {
        if (next >= values.size()) {
            throw new TemplateException("not enough arguments for format string");
        }
        return values.get(next++);
    }

    private String conversion() {
        Object named = null;
        boolean hasName = peek() == '(';
        if (hasName) {
            int end = text.indexOf(')', at);
            if (end < 0) {
                throw new TemplateException("incomplete format key");
            }
            if (!(given instanceof Map<?, ?> map)) {
                throw new TemplateException("format requires a mapping");
            }
            String key = text.substring(at + 1, end);
            if (!map.containsKey(key)) {
                throw new TemplateException("format: there is no " + Repr.quoted(key));
            }
            named = map.get(key);
            byName = true;
            at = end + 1;
        }
        int flags = at;
        while ("#0- +".indexOf(peek()) >= 0) {
            at++;
        }
        String marks = text.substring(flags, at);
        long width = count();
        boolean left = marks.indexOf('-') >= 0 || width < 0;
        long precision = -1;
        if (peek() == '.') {
            at++;
            precision = Math.max(0, count());
        }
        while ("hlL".indexOf(peek()) >= 0) {
            at++;
        }
        char type = peek();
        at++;
        if (type == '%') {
            return "%";
        }
        if ("sradiuoxXeEfFgGc".indexOf(type) < 0) {
            throw new TemplateException("unsupported format character '" + type + "' (0x" + Integer.toHexString(type)
                    + ") at index " + (at - 1));
        }
        Object value = hasName ? named : take();
        return padded(type, value, marks, Math.abs(width), left, precision);
    }

    private long count() {
        if (peek() == '*') {
            at++;
            return Values.requireInteger(take());
        }
        int from = at;
        while (Character.isDigit(peek())) {
            at++;
        }
        return FormatSpec.number(text.substring(from, at), 0);
    }

    private String padded(char type, @Nullable Object value, String marks, long width, boolean left, long precision) {
        char align = left ? '<' : marks.indexOf('0') >= 0 && "srac".indexOf(type) < 0 ? '=' : '>';
        String fill = align == '=' ? "0" : " ";
        char sign = marks.indexOf('+') >= 0 ? '+' : marks.indexOf(' ') >= 0 ? ' ' : '-';
        boolean alternate = marks.indexOf('#') >= 0;
        if ("srac".indexOf(type) >= 0) {
            String shown = shown(type, value);
            return new FormatSpec(fill, align, '-', false, width, (char) 0, precision, 's').format(shown, rendering);
        }
        if (!Values.isNumber(value)) {
            throw new TemplateException("%" + type + " format: a " + ("diu".indexOf(type) >= 0 ? "real " : "")
                    + "number is required, not " + Values.type(Values.defined(value)));
        }
        boolean integer = "diuoxX".indexOf(type) >= 0;
        Object number = value instanceof Boolean flag ? (Object) (flag ? 1L : 0L) : value;
        if (integer && number instanceof Double real) {
            if ("oxX".indexOf(type) >= 0) {
                throw new TemplateException("%" + type + " format: an integer is required, not float");
            }
            number = Numbers.truncated(real);
        }
        if (integer && precision > 0) {
            rendering.characters(precision);
            BigInteger whole = Numbers.whole(number);
            String digits = new FormatSpec("0", '=', '-', false, precision, (char) 0, -1,
                    "diu".indexOf(type) >= 0 ? 'd' : type).format(Numbers.narrow(whole.abs()), rendering);
            String signed = (whole.signum() < 0 ? "-" : sign == '-' ? "" : String.valueOf(sign)) + digits;
            return new FormatSpec(" ", left ? '<' : '>', '-', false, width, (char) 0, -1, 's').format(signed,
                    rendering);
        }
        char kind = "diu".indexOf(type) >= 0 ? 'd' : type;
        return new FormatSpec(fill, align, sign, alternate, width, (char) 0, integer ? -1 : precision, kind)
                .format(number, rendering);
    }

    @SuppressWarnings("OrphanedFormatString") // Python says so
    private String shown(char type, @Nullable Object value) {
        if (type == 'c') {
            if (value instanceof Long code) {
                return Numbers.character(code);
            }
            String text = Values.text(value);
            if (text == null || text.codePointCount(0, text.length()) != 1) {
                throw new TemplateException("%c requires int or char");
            }
            return text;
        }
        if (type == 's') {
            return Markup.beside(value, html, rendering);
        }
        String shown = Repr.repr(value, rendering);
        if (type == 'a') {
            StringBuilder out = new StringBuilder();
            shown.codePoints().forEach(c -> out.append(c < 0x80
                    ? Character.toString(c)
                    : String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c)));
            shown = out.toString();
        }
        return html ? Markup.escaped(shown, rendering) : shown;
    }
}
