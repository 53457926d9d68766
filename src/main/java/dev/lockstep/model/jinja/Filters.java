package dev.lockstep.model.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Jinja's filters. */
final class Filters {
    interface Filter {
        Object apply(Object value, Arguments arguments);
    }

    private static final Pattern WORD = Pattern.compile("[^-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);

    private Filters() {}

    /** Null where there is no such filter. */
    static Filter named(String name) {
        return switch (name) {
            case "trim" -> (value, a) -> Text.strip(Text.str(value),
                    a.get(0, "chars", null) == null ? null : a.text(0, "chars"), true, true);
            case "upper" -> (value, a) -> Text.str(value).toUpperCase(Locale.ROOT);
            case "lower" -> (value, a) -> Text.str(value).toLowerCase(Locale.ROOT);
            case "capitalize" -> (value, a) -> Text.capitalize(Text.str(value));
            case "title" -> (value, a) -> WORD.matcher(Text.str(value)).replaceAll(
                    word -> Matcher.quoteReplacement(Text.capitalize(word.group())));
            case "string" -> (value, a) -> Text.str(value);
            case "safe" -> (value, a) -> value;
            case "escape", "e" -> (value, a) -> escape(Text.str(value));
            case "length", "count" -> (value, a) -> Values.length(value);
            case "tojson" -> PythonJson::dump;
            case "default", "d" -> (value, a) -> value instanceof Undefined
                    || Values.isTrue(a.get(1, "boolean", false)) && !Values.isTrue(value)
                            ? a.get(0, "default_value", "")
                            : value;
            case "replace" -> (value, a) -> Methods.replace(Text.str(value), Text.str(a.require(0, "old")),
                    Text.str(a.require(1, "new")), a.get(2, "count", null) == null ? -1 : a.integer(2, "count", -1));
            case "indent" -> Filters::indent;
            case "format" -> (value, a) -> format(Text.str(value), a.positional());
            case "join" -> (value, a) -> attributes(value, a.get(1, "attribute", null)).stream().map(Text::str)
                    .collect(Collectors.joining(Text.str(a.get(0, "d", ""))));
            case "list" -> (value, a) -> Values.iterate(value);
            case "first" -> (value, a) -> end(Values.iterate(value), true);
            case "last" -> (value, a) -> end(Values.iterate(value), false);
            case "reverse" -> (value, a) -> value instanceof String text
                    ? new StringBuilder(text).reverse().toString()
                    : Values.slice(Values.iterate(value), null, null, -1L);
            case "items" -> (value, a) -> {
                if (!(value instanceof Map || value instanceof Undefined)) {
                    throw new TemplateException("Can only get item pairs from a mapping.");
                }
                return value instanceof Map<?, ?> map ? Methods.items(map) : List.of();
            };
            case "dictsort" -> Filters::dictsort;
            case "sort" -> (value, a) -> sorted(value, a.get(2, "attribute", null), a.get(1, "case_sensitive", false),
                    a.get(0, "reverse", false));
            case "unique" -> Filters::unique;
            case "min" -> (value,
                    a) -> end(sorted(value, a.get(1, "attribute", null), a.get(0, "case_sensitive", false),
                            false), true);
            case "max" -> (value,
                    a) -> end(sorted(value, a.get(1, "attribute", null), a.get(0, "case_sensitive", false),
                            true), true);
            case "sum" -> (value, a) -> attributes(value, a.get(0, "attribute", null)).stream().reduce(
                    a.get(1, "start", 0L), (x, y) -> Values.arithmetic("+", x, y));
            case "abs" -> (value, a) -> Values.compare(value, 0L, "<") < 0
                    ? Values.arithmetic("-", 0L, value)
                    : Values.arithmetic("+", value, 0L);
            case "int" -> (value, a) -> integer(value, a.get(0, "default", 0L));
            case "float" -> (value, a) -> real(value, a.get(0, "default", 0.0));
            case "round" -> Filters::round;
            case "map" -> Filters::map;
            case "attr" -> (value, a) -> Methods.attribute(Values.defined(value), a.text(0, "name"));
            case "select" -> (value, a) -> filtered(value, a, false, true);
            case "reject" -> (value, a) -> filtered(value, a, false, false);
            case "selectattr" -> (value, a) -> filtered(value, a, true, true);
            case "rejectattr" -> (value, a) -> filtered(value, a, true, false);
            default -> null;
        };
    }

    private static Object end(List<Object> items, boolean first) {
        if (items.isEmpty()) {
            return new Undefined("No " + (first ? "first" : "last") + " item, sequence was empty.");
        }
        return items.get(first ? 0 : items.size() - 1);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private static Object indent(Object value, Arguments a) {
        Object width = a.get(0, "width", 4L);
        String by = width instanceof String text ? text : " ".repeat((int) Values.requireInteger(width));
        boolean blank = Values.isTrue(a.get(2, "blank", false));
        StringBuilder out = new StringBuilder();
        String[] lines = (Text.str(value)).split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            boolean indented = i == 0 ? Values.isTrue(a.get(1, "first", false)) : blank || !lines[i].isEmpty();
            out.append(i > 0 ? "\n" : "").append(indented ? by : "").append(lines[i]);
        }
        return out.toString();
    }

    /** Python's {@code %} on a string with {@code %s}, {@code %r}, {@code %d} and {@code %%}. */
    static String format(String text, List<?> values) {
        StringBuilder out = new StringBuilder();
        int next = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            char kind = ++i < text.length() ? text.charAt(i) : ' ';
            if (kind == '%') {
                out.append('%');
            } else if ("srd".indexOf(kind) < 0) {
                throw new TemplateException("the format %" + kind + " is not supported");
            } else if (next == values.size()) {
                throw new TemplateException("not enough arguments for format string");
            } else {
                Object value = values.get(next++);
                out.append(kind == 'r'
                        ? Text.repr(value)
                        : Text.str(kind == 'd' ? (Object) Values.requireInteger(value) : value));
            }
        }
        if (next < values.size()) {
            throw new TemplateException("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    /** The items, or of each the attribute {@code a.b.0}. */
    private static List<Object> attributes(Object value, Object attribute) {
        List<Object> items = new ArrayList<>();
        for (Object item : Values.iterate(value)) {
            items.add(attribute == null ? item : path(item, attribute));
        }
        return items;
    }

    private static Object path(Object item, Object attribute) {
        if (!(attribute instanceof String text)) {
            return Values.item(item, attribute);
        }
        Object found = item;
        for (String part : text.split("\\.")) {
            found = Values.item(found, part.matches("\\d+") ? (Object) Long.parseLong(part) : part);
        }
        return found;
    }

    private static Object folded(Object value, Object caseSensitive) {
        return value instanceof String text && !Values.isTrue(caseSensitive) ? text.toLowerCase(Locale.ROOT) : value;
    }

    private static List<Object> sorted(Object value, Object attribute, Object caseSensitive, Object reverse) {
        Comparator<Object> order = (x, y) -> Values.compare(
                folded(attribute == null ? x : path(x, attribute), caseSensitive),
                folded(attribute == null ? y : path(y, attribute), caseSensitive), "<");
        List<Object> items = new ArrayList<>(Values.iterate(value));
        items.sort(Values.isTrue(reverse) ? order.reversed() : order);
        return items;
    }

    private static Object dictsort(Object value, Arguments a) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new TemplateException("dictsort needs a mapping, not " + Values.type(Values.defined(value)));
        }
        long by = Text.str(a.get(1, "by", "key")).equals("value") ? 1 : 0;
        return sorted(Methods.items(map), by, a.get(0, "case_sensitive", false), a.get(2, "reverse", false));
    }

    private static Object unique(Object value, Arguments a) {
        List<Object> seen = new ArrayList<>();
        List<Object> out = new ArrayList<>();
        Object attribute = a.get(1, "attribute", null);
        for (Object item : Values.iterate(value)) {
            Object key = folded(attribute == null ? item : path(item, attribute), a.get(0, "case_sensitive", false));
            if (!Values.contains(seen, key)) {
                seen.add(key);
                out.add(item);
            }
        }
        return out;
    }

    private static Object integer(Object value, Object otherwise) {
        if (value instanceof Double number) {
            return Values.narrow(new java.math.BigDecimal(number).toBigInteger());
        }
        if (value instanceof String text) {
            String digits = Text.strip(text, null, true, true);
            return digits.matches("[-+]?\\d+")
                    ? Values.narrow(new java.math.BigInteger(digits))
                    : digits.matches("[-+]?(\\d+\\.\\d*|\\.\\d+)([eE][-+]?\\d+)?")
                            ? integer(Double.parseDouble(digits), otherwise)
                            : otherwise;
        }
        return value instanceof Boolean flag ? (flag ? 1L : 0L) : Values.isNumber(value) ? value : otherwise;
    }

    private static Object real(Object value, Object otherwise) {
        if (value instanceof String text) {
            String digits = Text.strip(text, null, true, true);
            return digits.matches("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?")
                    ? (Object) Double.parseDouble(digits)
                    : otherwise;
        }
        return Values.isNumber(value) ? (Object) Values.real(value) : otherwise;
    }

    private static Object round(Object value, Arguments a) {
        String method = Text.str(a.get(1, "method", "common"));
        var rounding = method.equals("ceil")
                ? java.math.RoundingMode.CEILING
                : method.equals("floor") ? java.math.RoundingMode.FLOOR : java.math.RoundingMode.HALF_EVEN;
        if (!Values.isNumber(value)) {
            throw new TemplateException("type " + Values.type(Values.defined(value)) + " cannot be rounded");
        }
        var exact = new java.math.BigDecimal(Values.real(value));
        return exact.setScale(a.integer(0, "precision", 0), rounding).doubleValue();
    }

    private static Object map(Object value, Arguments a) {
        if (a.named().containsKey("attribute")) {
            List<Object> found = attributes(value, a.named().get("attribute"));
            Object otherwise = a.get(1 << 20, "default", null);
            found.replaceAll(item -> item instanceof Undefined && otherwise != null ? otherwise : item);
            return found;
        }
        Filter filter = named(a.text(0, "filter"));
        if (filter == null) {
            throw new TemplateException("No filter named '" + a.text(0, "filter") + "'.");
        }
        List<Object> out = new ArrayList<>();
        Values.iterate(value).forEach(item -> out.add(filter.apply(item, a.after(1))));
        return out;
    }

    private static Object filtered(Object value, Arguments a, boolean attribute, boolean keep) {
        int at = attribute ? 1 : 0;
        Predicate<Object> test = Values::isTrue;
        if (a.positional().size() > at) {
            Tests.Test named = Tests.named(a.text(at, "test"));
            if (named == null) {
                throw new TemplateException("No test named '" + a.text(at, "test") + "'.");
            }
            test = item -> named.holds(item, a.after(at + 1));
        }
        List<Object> out = new ArrayList<>();
        for (Object item : Values.iterate(value)) {
            if (test.test(attribute ? path(item, a.require(0, "attribute")) : item) == keep) {
                out.add(item);
            }
        }
        return out;
    }
}
