package dev.lockstep.jinja.python;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Python's ways of taking a string apart. */
public final class StringSplitting {
    private StringSplitting() {}

    /**
     * Python's {@code split}, from the right its {@code rsplit}.
     *
     * @param a {@code sep} and {@code maxsplit}
     */
    public static List<Object> split(String text, Arguments a, boolean fromRight) {
        Object by = a.get("sep", null);
        int most = a.integer("maxsplit", -1);
        most = most < 0 ? Integer.MAX_VALUE : most;
        a.rendering().characters(text.length());
        if (by == null) {
            return words(text, most, fromRight, a.rendering());
        }
        String separator = Values.requireText(by);
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        List<Object> parts = new ArrayList<>();
        int from = 0;
        int to = text.length();
        while (parts.size() < most) {
            int at = fromRight
                    ? SubstringSearch.last(text, separator, to, a.rendering())
                    : SubstringSearch.first(text, separator, from, a.rendering());
            if (at < from || at + separator.length() > to) {
                break;
            }
            a.rendering().items(8);
            parts.add(fromRight ? text.substring(at + separator.length(), to) : text.substring(from, at));
            from = fromRight ? from : at + separator.length();
            to = fromRight ? at : to;
        }
        parts.add(text.substring(from, to));
        if (fromRight) {
            Collections.reverse(parts);
        }
        return parts;
    }

    /** The parts between white space. */
    static List<Object> words(String text, int most, boolean fromRight, Rendering r) {
        List<Object> parts = new ArrayList<>();
        int from = 0;
        int to = text.length();
        while (true) {
            while (from < to && Strings.isSpace(text.charAt(fromRight ? to - 1 : from))) {
                from += fromRight ? 0 : 1;
                to -= fromRight ? 1 : 0;
            }
            if (from == to) {
                break;
            }
            r.items(8);
            if (parts.size() == most) {
                // Python leaves the white space at the far end of what it did not split
                parts.add(text.substring(from, to));
                break;
            }
            int end = fromRight ? to : from;
            while (fromRight
                    ? end > from && !Strings.isSpace(text.charAt(end - 1))
                    : end < to
                            && !Strings.isSpace(text.charAt(end))) {
                end += fromRight ? -1 : 1;
            }
            parts.add(fromRight ? text.substring(end, to) : text.substring(from, end));
            from = fromRight ? from : end;
            to = fromRight ? end : to;
        }
        if (fromRight) {
            Collections.reverse(parts);
        }
        return parts;
    }

    /** Python's {@code splitlines}. */
    public static List<Object> lines(String text, boolean keepEnds, Rendering r) {
        List<Object> lines = new ArrayList<>();
        r.characters(text.length());
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            if (endsLine(text.charAt(i))) {
                int end = i;
                i += text.startsWith("\r\n", i) ? 1 : 0;
                r.items(8);
                lines.add(text.substring(from, keepEnds ? i + 1 : end));
                from = i + 1;
            }
        }
        if (from < text.length()) {
            lines.add(text.substring(from));
        }
        return lines;
    }

    static Tuple partition(String text, Arguments a, boolean last) {
        String separator = a.text("sep");
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        a.rendering().characters(text.length());
        int at = last
                ? SubstringSearch.last(text, separator, text.length(), a.rendering())
                : SubstringSearch.first(text, separator, 0, a.rendering());
        if (at < 0) {
            return last ? Tuple.of("", "", text) : Tuple.of(text, "", "");
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    /** Whether Python's {@code splitlines} ends a line here. */
    private static boolean endsLine(int c) {
        return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029;
    }
}
