package dev.lockstep.jinja.python;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** The methods of Python's str, and of HTML, which gives HTML again and escapes what it takes in. */
public final class StringMethods {
    private final String text;
    private final boolean html;

    private StringMethods(@Nullable Object value) {
        this.text = Values.requireText(value);
        this.html = value instanceof Markup;
    }

    /** Null where there is none. */
    public static @Nullable Function named(@Nullable Object value, String name) {
        StringMethods methods = new StringMethods(value);
        Function method = methods.named(name);
        if (method == null) {
            method = StringPredicates.named(methods.text, name);
        }
        if (method == null) {
            return null;
        }
        Function known = method;
        Function reading = arguments -> {
            arguments.rendering().reads(methods.text);
            return known.call(arguments);
        };
        return methods.html ? markup(name, reading) : reading;
    }

    private static @Nullable Function markup(String name, Function method) {
        return arguments -> asMarkup(method.call(arguments), name);
    }

    private static @Nullable Object asMarkup(@Nullable Object result, String name) {
        if (result instanceof String text) {
            return name.equals("unescape") ? text : name.equals("striptags") ? text : new Markup(text);
        }
        if (result instanceof List<?> parts) {
            List<Object> all = new ArrayList<>();
            parts.forEach(part -> all.add(asMarkup(part, name)));
            return parts instanceof Tuple ? Tuple.of(all) : all;
        }
        return result;
    }

    private @Nullable Function named(String name) {
        return switch (name) {
            case "strip" -> Function.of(name, "chars", a -> stripped(a, true, true));
            case "lstrip" -> Function.of(name, "chars", a -> stripped(a, true, false));
            case "rstrip" -> Function.of(name, "chars", a -> stripped(a, false, true));
            case "split" -> Function.of(name, "sep maxsplit", a -> StringSplitting.split(text, a, false));
            case "rsplit" -> Function.of(name, "sep maxsplit", a -> StringSplitting.split(text, a, true));
            case "splitlines" -> Function.of(name, "keepends",
                    a -> StringSplitting.lines(text, a.flag("keepends"), a.rendering()));
            case "partition" -> Function.of(name, "sep", a -> StringSplitting.partition(text, a, false));
            case "rpartition" -> Function.of(name, "sep", a -> StringSplitting.partition(text, a, true));
            case "startswith" -> Function.of(name, "prefix start end", a -> affix(a, true));
            case "endswith" -> Function.of(name, "prefix start end", a -> affix(a, false));
            case "removeprefix" -> Function.of(name, "prefix", a -> text.startsWith(a.text("prefix"))
                    ? text.substring(a.text("prefix").length())
                    : text);
            case "removesuffix" -> Function.of(name, "suffix", a -> text.endsWith(a.text("suffix"))
                    ? text.substring(0, text.length() - a.text("suffix").length())
                    : text);
            case "upper" -> made(name, () -> text.toUpperCase(Locale.ROOT));
            case "lower" -> made(name, () -> text.toLowerCase(Locale.ROOT));
            case "casefold" -> made(name, () -> StringCasing.folded(text));
            case "swapcase" -> made(name, () -> StringCasing.swapped(text));
            case "capitalize" -> made(name, () -> StringCasing.capitalize(text));
            case "title" -> made(name, () -> StringCasing.titled(text));
            case "replace" -> Function.of(name, "old new count", a -> replace(text, a.text("old"),
                    Markup.beside(checked(a.require("new")), html, a.rendering()), a.integer("count", -1),
                    a.rendering()));
            case "join" -> Function.of(name, "iterable", this::join);
            case "find" -> Function.of(name, "sub start end", a -> find(a, false));
            case "rfind" -> Function.of(name, "sub start end", a -> find(a, true));
            case "index" -> Function.of(name, "sub start end", a -> found(find(a, false)));
            case "rindex" -> Function.of(name, "sub start end", a -> found(find(a, true)));
            case "count" -> Function.of(name, "sub start end", this::count);
            case "zfill" -> Function.of(name, "width", this::zfill);
            case "center" -> Function.of(name, "width fillchar", a -> padded(a, missing -> missing / 2
                    + (missing & a.integer("width", 0) & 1)));
            case "ljust" -> Function.of(name, "width fillchar", a -> padded(a, missing -> 0));
            case "rjust" -> Function.of(name, "width fillchar", a -> padded(a, missing -> missing));
            case "expandtabs" -> Function.of(name, "tabsize", this::expandtabs);
            case "translate" -> Function.of(name, "table", this::translate);
            case "maketrans" -> Function.of(name, "x y z", StringMethods::table);
            case "format" -> a -> BraceFormat.apply(html ? new Markup(text) : text, a);
            case "format_map" -> Function.of(name, "mapping", a -> {
                Map<String, Object> names = new LinkedHashMap<>();
                if (!(a.require("mapping")instanceof Map<?, ?> map)) {
                    throw new TemplateException("format_map needs a mapping");
                }
                map.forEach((key, value) -> names.put(Repr.str(key, a.rendering()), value));
                return BraceFormat.apply(html ? new Markup(text) : text,
                        new Arguments(List.of(), names, a.rendering()));
            });
            case "encode" -> Function.refused("str.encode gives bytes, which are not supported");
            case "striptags" -> html
                    ? Function.of(name, "", a -> HtmlText.stripTags(text, a.rendering()))
                    : null;
            case "unescape" -> html ? Function.of(name, "", a -> HtmlText.unescape(text)) : null;
            default -> null;
        };
    }

    private @Nullable Function made(String name, Supplier<String> result) {
        return Function.of(name, "", a -> {
            a.rendering().characters(text.length());
            a.rendering().steps(text.length() / 4);
            return result.get();
        });
    }

    private String stripped(Arguments a, boolean left, boolean right) {
        Object characters = a.get("chars", null);
        a.rendering().characters(text.length());
        return Strings.strip(text, characters == null ? null : Values.requireText(characters), left, right);
    }

    /** Where in the text the arguments {@code start} and {@code end} are; null where start is beyond the end. */
    private int @Nullable [] window(Arguments a) {
        if (a.get("start", null) == null && a.get("end", null) == null) {
            return new int[]{0, text.length()};
        }
        int size = text.codePointCount(0, text.length());
        int start = a.get("start", null) == null ? 0 : a.integer("start", 0);
        int end = a.get("end", null) == null ? size : a.integer("end", size);
        start = Math.max(0, start < 0 ? start + size : start);
        end = Math.min(size, Math.max(0, end < 0 ? end + size : end));
        return start > size || start > end
                ? null
                : new int[]{text.offsetByCodePoints(0, start), text.offsetByCodePoints(0, end)};
    }

    private boolean affix(Arguments a, boolean prefix) {
        Object affix = a.require("prefix");
        int[] window = window(a);
        if (affix instanceof Tuple several) {
            return several.stream().anyMatch(one -> has(window, Values.requireText(one), prefix));
        }
        if (!Values.isText(affix)) {
            throw new TemplateException((prefix ? "startswith" : "endswith")
                    + " first arg must be str or a tuple of str, not " + Values.type(Values.defined(affix)));
        }
        return has(window, Values.requireText(affix), prefix);
    }

    private boolean has(int @Nullable [] window, String affix, boolean prefix) {
        if (window == null || window[1] - window[0] < affix.length()) {
            return false;
        }
        return text.startsWith(affix, prefix ? window[0] : window[1] - affix.length());
    }

    private Object find(Arguments a, boolean last) {
        String part = a.text("sub");
        int[] window = window(a);
        if (window == null) {
            return -1L;
        }
        int at = last
                ? SubstringSearch.last(text, part, window[1], a.rendering())
                : SubstringSearch.first(text, part, window[0], a.rendering());
        boolean inside = at >= window[0] && at + part.length() <= window[1];
        return inside ? (long) text.codePointCount(0, at) : -1L;
    }

    private static Object found(Object place) {
        if (place.equals(-1L)) {
            throw new TemplateException("substring not found");
        }
        return place;
    }

    private Object count(Arguments a) {
        String part = a.text("sub");
        int[] window = window(a);
        if (window == null) {
            return 0L;
        }
        String within = text.substring(window[0], window[1]);
        return part.isEmpty()
                ? Values.length(within) + 1
                : (long) occurrences(within, part, Integer.MAX_VALUE, a.rendering());
    }

    private static int occurrences(String text, String part, int most, Rendering r) {
        int count = 0;
        int from = 0;
        while (count < most) {
            int at = SubstringSearch.first(text, part, from, r);
            if (at < 0) {
                break;
            }
            count++;
            from = at + part.length();
        }
        return count;
    }

    private static @Nullable Object checked(@Nullable Object value) {
        Values.requireText(value);
        return value;
    }

    /** Python's {@code replace}; times below 0 is everywhere. */
    public static String replace(String text, String old, String with, int times, Rendering r) {
        int most = times < 0 ? Integer.MAX_VALUE : times;
        r.characters(text.length());
        if (old.isEmpty()) {
            int[] characters = text.codePoints().toArray();
            int inserted = Math.min(most, characters.length + 1);
            r.characters((long) inserted * with.length());
            StringBuilder out = new StringBuilder();
            for (int i = 0; i <= characters.length; i++) {
                out.append(i < inserted ? with : "");
                if (i < characters.length) {
                    out.appendCodePoint(characters[i]);
                }
            }
            return out.toString();
        }
        int count = occurrences(text, old, most, r);
        if (count == 0) {
            return text;
        }
        r.characters((long) count * with.length());
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int i = 0; i < count; i++) {
            int at = SubstringSearch.first(text, old, from, r);
            out.append(text, from, at).append(with);
            from = at + old.length();
        }
        return out.append(text, from, text.length()).toString();
    }

    private String join(Arguments a) {
        StringBuilder out = new StringBuilder();
        int place = 0;
        for (Iterator<Object> items = Values.each(a.require("iterable"), a.rendering()); items.hasNext(); place++) {
            Object item = items.next();
            if (!Values.isText(item) && !html) {
                throw new TemplateException("sequence item " + place + ": expected str instance, "
                        + Values.type(Values.defined(item)) + " found");
            }
            String part = Markup.beside(item, html, a.rendering());
            a.rendering().characters((long) part.length() + text.length());
            out.append(place > 0 ? text : "").append(part);
        }
        return out.toString();
    }

    private String zfill(Arguments a) {
        String sign = text.startsWith("-") || text.startsWith("+") ? text.substring(0, 1) : "";
        Values.requireInteger(a.require("width"));
        return sign + Strings.repeated("0", a.integer("width", 0) - Values.length(text), a.rendering())
                + text.substring(sign.length());
    }

    private interface Left {
        long of(long missing);
    }

    private String padded(Arguments a, Left left) {
        Values.requireInteger(a.require("width"));
        String fill = a.has("fillchar") ? a.text("fillchar") : " ";
        if (Values.length(fill) != 1) {
            throw new TemplateException("The fill character must be exactly one character long");
        }
        fill = Markup.beside(a.get("fillchar", " "), html, a.rendering());
        long missing = Math.max(0, a.integer("width", 0) - Values.length(text));
        long before = missing == 0 ? 0 : left.of(missing);
        return Strings.repeated(fill, before, a.rendering()) + text
                + Strings.repeated(fill, missing - before, a.rendering());
    }

    private String expandtabs(Arguments a) {
        int size = a.integer("tabsize", 8);
        StringBuilder out = new StringBuilder();
        long column = 0;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (c != '\t') {
                out.appendCodePoint(c);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            } else if (size > 0) {
                long blanks = size - column % size;
                out.append(Strings.repeated(" ", blanks, a.rendering()));
                column += blanks;
            }
        }
        a.rendering().characters(text.length());
        return out.toString();
    }

    private String translate(Arguments a) {
        if (!(a.require("table")instanceof Map<?, ?> table)) {
            throw new TemplateException("translate needs a mapping");
        }
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            Object key = DictKeys.present(table, (long) c, a.rendering());
            Object with = key == DictKeys.NONE ? (Object) (long) c : table.get(key);
            String part = with == null
                    ? ""
                    : with instanceof Long code ? Numbers.character(code) : Values.requireText(with);
            a.rendering().characters(part.length());
            out.append(part);
        });
        return out.toString();
    }

    private static Object table(Arguments a) {
        Map<Object, Object> table = new LinkedHashMap<>();
        if (!a.has("y")) {
            if (!(a.require("x")instanceof Map<?, ?> map)) {
                throw new TemplateException("if you give only one argument to maketrans it must be a dict");
            }
            map.forEach((key, value) -> DictKeys.put(table, Values.isText(key)
                    ? (Object) (long) Values.requireText(key).codePointAt(0)
                    : key, value, a.rendering()));
            return table;
        }
        int[] from = a.text("x").codePoints().toArray();
        int[] to = a.text("y").codePoints().toArray();
        if (from.length != to.length) {
            throw new TemplateException("the first two maketrans arguments must have equal length");
        }
        for (int i = 0; i < from.length; i++) {
            DictKeys.put(table, (long) from[i], (long) to[i], a.rendering());
        }
        if (a.has("z")) {
            a.text("z").codePoints().forEach(c -> DictKeys.put(table, (long) c, null, a.rendering()));
        }
        return table;
    }
}
