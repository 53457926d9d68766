package dev.lockstep.jinja.filters;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.filters.Filters.Filter;
import dev.lockstep.jinja.python.Comparisons;
import dev.lockstep.jinja.python.HtmlText;
import dev.lockstep.jinja.python.PercentFormat;
import dev.lockstep.jinja.python.PythonJson;
import dev.lockstep.jinja.python.StringCasing;
import dev.lockstep.jinja.python.StringMethods;
import dev.lockstep.jinja.python.StringSplitting;
import dev.lockstep.jinja.python.TextWrap;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Jinja's filters that make texts. */
final class StringFilters {
    private StringFilters() {}

    static void addTo(Map<String, Filter> all) {
        Filters.add(all, "trim", "chars", (value, a) -> Values.like(value, stripped(value, a)));
        Filters.add(all, "upper", "", (value, a) -> made(value, text(value, a).toUpperCase(Locale.ROOT), a));
        Filters.add(all, "lower", "", (value, a) -> made(value, text(value, a).toLowerCase(Locale.ROOT), a));
        Filters.add(all, "capitalize", "", (value, a) -> made(value, StringCasing.capitalize(text(value, a)), a));
        Filters.add(all, "title", "", (value, a) -> title(text(value, a), a));
        Filters.add(all, "string", "", (value, a) -> Values.isText(value) ? value : text(value, a));
        Filters.add(all, "safe", "", (value, a) -> value instanceof Markup ? value : new Markup(text(value, a)));
        Filters.add(all, "escape e", "", (value, a) -> Markup.of(value, a.rendering()));
        Filters.add(all, "forceescape", "", (value, a) -> new Markup(Markup.escaped(text(value, a), a.rendering())));
        Filters.add(all, "tojson", "ensure_ascii indent separators sort_keys", PythonJson::dump);
        Filters.add(all, "replace", "old new count", StringFilters::replace);
        Filters.add(all, "indent", "width first blank", StringFilters::indent);
        Filters.add(all, "format", "*", (value, a) -> {
            if (!a.named().isEmpty() && !a.positional().isEmpty()) {
                throw new TemplateException("can't handle positional and keyword arguments at the same time");
            }
            Object values = a.named().isEmpty() ? Tuple.of(a.positional()) : a.named();
            Object text = Values.isText(value) ? value : text(value, a);
            return Values.like(text, PercentFormat.apply(text, values, a.rendering()));
        });
        Filters.add(all, "join", "d attribute", StringFilters::join);
        Filters.add(all, "center", "width",
                // which every text has
                (value, a) -> Objects
                        .requireNonNull(StringMethods.named(Values.isText(value) ? value : text(value, a), "center"))
                        .call(new Arguments(List.of(a.get("width", 80L)), Map.of(), a.rendering())));
        Filters.add(all, "truncate", "length killwords end leeway", StringFilters::truncate);
        Filters.add(all, "wordcount", "", (value, a) -> wordCount(text(value, a)));
        Filters.add(all, "wordwrap", "width break_long_words wrapstring break_on_hyphens", TextWrap::wrap);
        Filters.add(all, "urlencode", "", HtmlFilters::urlEncode);
        Filters.add(all, "striptags", "", (value, a) -> HtmlText.stripTags(text(value, a), a.rendering()));
        Filters.add(all, "xmlattr", "autospace", HtmlFilters::attributes);
        Filters.add(all, "pprint", "", (value, a) -> pretty(value, a.rendering()));
    }

    private static String text(@Nullable Object value, Arguments a) {
        return Repr.str(value, a.rendering());
    }

    private static Object made(@Nullable Object value, String text, Arguments a) {
        a.rendering().characters(text.length());
        a.rendering().steps(text.length() / 4);
        return Values.like(value, text);
    }

    private static String stripped(@Nullable Object value, Arguments a) {
        Object characters = a.get("chars", null);
        String text = text(value, a);
        a.rendering().characters(text.length());
        return Strings.strip(text, characters == null ? null : Values.requireText(characters), true, true);
    }

    private static String title(String text, Arguments a) {
        StringBuilder out = new StringBuilder();
        a.rendering().characters(text.length());
        int from = 0;
        for (int i = 1; i <= text.length(); i++) {
            if (i == text.length() || beginsWord(text.charAt(i)) != beginsWord(text.charAt(i - 1))) {
                String piece = text.substring(from, i);
                int first = piece.offsetByCodePoints(0, 1);
                out.append(piece.substring(0, first).toUpperCase(Locale.ROOT))
                        .append(piece.substring(first).toLowerCase(Locale.ROOT));
                from = i;
            }
        }
        return out.toString();
    }

    private static boolean beginsWord(char c) {
        return "-({[<".indexOf(c) >= 0 || Strings.isSpace(c);
    }

    private static Object replace(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        Object old = a.require("old");
        Object with = a.require("new");
        int times = a.get("count", null) == null ? -1 : a.integer("count", -1);
        if (!r.autoescapes()) {
            return StringMethods.replace(text(value, a), text(old, a), text(with, a), times, r);
        }
        boolean html = value instanceof Markup || old instanceof Markup || with instanceof Markup;
        String replaced = StringMethods.replace(Markup.beside(value, html, r), text(old, a),
                Markup.beside(with, html, r), times, r);
        return html ? new Markup(replaced) : replaced;
    }

    private static Object indent(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        Object width = a.get("width", 4L);
        String by = Values.isText(width) ? Values.requireText(width) : Strings.repeated(" ", a.integer("width", 4), r);
        String text = Values.text(Values.defined(value));
        if (text == null) {
            throw new TemplateException("unsupported operand type(s) for +=: '" + Values.type(value) + "' and 'str'");
        }
        boolean blank = a.flag("blank");
        List<Object> lines = StringSplitting.lines(text + "\n", false, r);
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            boolean indented = i == 0 ? a.flag("first") : blank || !line.isEmpty();
            r.characters((indented ? by.length() : 0) + 1L);
            out.append(i > 0 ? "\n" : "").append(indented ? by : "").append(line);
        }
        return Values.like(value, out.toString());
    }

    private static Object join(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        Object separator = a.get("d", "");
        List<Object> items = new ArrayList<>();
        boolean html = r.autoescapes() && separator instanceof Markup;
        for (Iterator<Object> each = Values.each(value, r); each.hasNext();) {
            Object item = ListFilters.path(each.next(), a.get("attribute", null), null, r);
            html |= r.autoescapes() && item instanceof Markup;
            r.items(1);
            items.add(item);
        }
        String between = Markup.beside(separator, html, r);
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < items.size(); i++) {
            String part = Markup.beside(items.get(i), html, r);
            r.characters((long) part.length() + between.length());
            out.append(i > 0 ? between : "").append(part);
        }
        return html ? new Markup(out.toString()) : out.toString();
    }

    private static @Nullable Object truncate(@Nullable Object value, Arguments a) {
        int length = a.integer("length", 255);
        String end = a.has("end") ? a.text("end") : "...";
        int leeway = a.get("leeway", null) == null ? 5 : a.integer("leeway", 5);
        if (length < end.length() || leeway < 0) {
            throw new TemplateException(leeway < 0
                    ? "expected leeway >= 0, got " + leeway
                    : "expected length >= " + end.length() + ", got " + length);
        }
        if (Values.length(value) <= (long) length + leeway) {
            return value;
        }
        String text = Values.requireText(value);
        String kept = text.substring(0, text.offsetByCodePoints(0, length - (int) Values.length(end)));
        int blank = a.flag("killwords") ? -1 : kept.lastIndexOf(' ');
        a.rendering().characters(text.length());
        return Values.like(value, (blank < 0 ? kept : kept.substring(0, blank))
                + Markup.beside(a.get("end", end), value instanceof Markup, a.rendering()));
    }

    private static long wordCount(String text) {
        long words = 0;
        boolean within = false;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean word = c == '_' || Character.isLetterOrDigit(c) || Character.getType(c) == Character.OTHER_NUMBER
                    || Character.getType(c) == Character.LETTER_NUMBER;
            words += word && !within ? 1 : 0;
            within = word;
        }
        return words;
    }

    /** Python's pformat of what fits into a line; it sorts keys. */
    private static String pretty(@Nullable Object value, Rendering r) {
        String text = Repr.repr(sorted(value, r), r);
        if (text.length() > 80) {
            throw new TemplateException("the filter pprint is supported only for what fits into 80 characters");
        }
        return text;
    }

    private static @Nullable Object sorted(@Nullable Object value, Rendering r) {
        r.enter();
        Object result = value;
        if (value instanceof Map<?, ?> map) {
            List<Object> keys = Values.list(map, r);
            if (keys.stream().allMatch(Values::isText) || keys.stream().allMatch(Values::isNumber)) {
                keys.sort((x, y) -> Comparisons.compare(x, y, "<", r));
            }
            Map<Object, Object> all = new java.util.LinkedHashMap<>();
            keys.forEach(key -> all.put(key, sorted(map.get(key), r)));
            result = all;
        } else if (value instanceof List<?> list && !(value instanceof Range)) {
            List<Object> all = Values.list(list, r);
            all.replaceAll(item -> sorted(item, r));
            result = value instanceof Tuple ? Tuple.of(Collections.unmodifiableList(all)) : all;
        }
        r.leave();
        return result;
    }
}
