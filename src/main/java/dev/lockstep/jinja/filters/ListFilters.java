package dev.lockstep.jinja.filters;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.filters.Filters.Filter;
import dev.lockstep.jinja.python.Comparisons;
import dev.lockstep.jinja.python.DictMethods;
import dev.lockstep.jinja.python.Lookup;
import dev.lockstep.jinja.python.StringSplitting;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.PythonGenerator;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Jinja's filters that go through what they get. */
final class ListFilters {
    private ListFilters() {}

    static void addTo(Map<String, Filter> all) {
        Filters.add(all, "length count", "", (value, a) -> Values.length(value));
        Filters.add(all, "list", "", (value, a) -> Values.list(value, a.rendering()));
        Filters.add(all, "first", "", (value, a) -> {
            Iterator<Object> items = Values.each(value, a.rendering());
            return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
        });
        Filters.add(all, "last", "", (value, a) -> {
            if (!Values.hasLength(value)) {
                throw new TemplateException("'" + Values.type(value) + "' object is not reversible");
            }
            List<Object> items = Values.list(value, a.rendering());
            return items.isEmpty()
                    ? new Undefined("No last item, sequence was empty.")
                    : items.get(items.size() - 1);
        });
        Filters.add(all, "reverse", "", (value, a) -> {
            if (Values.isText(value)) {
                return Lookup.slice(value, null, null, -1L, a.rendering());
            }
            List<Object> items = Values.list(value, a.rendering());
            Collections.reverse(items);
            return new PythonGenerator(items.iterator(), a.rendering());
        });
        Filters.add(all, "items", "", (value, a) -> {
            if (!(value instanceof Map || value instanceof Undefined)) {
                throw new TemplateException("Can only get item pairs from a mapping.");
            }
            List<Object> items = value instanceof Map<?, ?> map ? DictMethods.items(map, a.rendering()) : List.of();
            return new PythonGenerator(items.iterator(), a.rendering());
        });
        Filters.add(all, "dictsort", "case_sensitive by reverse", ListFilters::dictsort);
        Filters.add(all, "sort", "reverse case_sensitive attribute", (value, a) -> sorted(
                Values.list(value, a.rendering()), keys(a), a.flag("reverse"), a.rendering()));
        Filters.add(all, "unique", "case_sensitive attribute", ListFilters::unique);
        Filters.add(all, "min", "case_sensitive attribute", (value, a) -> outermost(value, a, "<"));
        Filters.add(all, "max", "case_sensitive attribute", (value, a) -> outermost(value, a, ">"));
        Filters.add(all, "groupby", "attribute default case_sensitive", ListFilters::groups);
        Filters.add(all, "batch", "linecount fill_with", ListFilters::batches);
        Filters.add(all, "slice", "slices fill_with", ListFilters::slices);
        Filters.add(all, "map", "*", ListFilters::map);
        Filters.add(all, "select", "*", (value, a) -> filtered(value, a, false, true));
        Filters.add(all, "reject", "*", (value, a) -> filtered(value, a, false, false));
        Filters.add(all, "selectattr", "*", (value, a) -> filtered(value, a, true, true));
        Filters.add(all, "rejectattr", "*", (value, a) -> filtered(value, a, true, false));
    }

    /** The item, or its attribute {@code a.b.0}; what is missing on the way is the default where there is one. */
    static @Nullable Object path(@Nullable Object item, @Nullable Object attribute, @Nullable Object otherwise,
            Rendering r) {
        if (attribute == null) {
            return item;
        }
        String text = Values.text(attribute);
        if (text == null) {
            return orElse(Lookup.item(item, attribute, r), otherwise);
        }
        Object found = item;
        for (Object part : StringSplitting.split(text, new Arguments(List.of(), Map.of("sep", "."), r), false)) {
            String name = (String) part;
            boolean index = !name.isEmpty() && name.chars().allMatch(c -> c >= '0' && c <= '9');
            found = orElse(Lookup.item(found, index ? Numbers.integer(name, 10) : name, r), otherwise);
        }
        return found;
    }

    private static @Nullable Object orElse(@Nullable Object found, @Nullable Object otherwise) {
        return found instanceof Undefined && otherwise != null ? otherwise : found;
    }

    private static @Nullable Object folded(@Nullable Object value, boolean caseSensitive) {
        String text = Values.text(value);
        return text == null || caseSensitive ? value : text.toLowerCase(Locale.ROOT);
    }

    /** What the items are ordered by: several attributes with commas between them are a list. */
    private static UnaryOperator<Object> keys(Arguments a) {
        Object attribute = a.get("attribute", null);
        boolean caseSensitive = a.flag("case_sensitive");
        String text = Values.text(attribute);
        List<Object> parts = text == null
                ? Collections.singletonList(attribute)
                : StringSplitting.split(text, new Arguments(List.of(), Map.of("sep", ","), a.rendering()), false);
        return item -> {
            List<Object> all = new ArrayList<>();
            parts.forEach(part -> all.add(folded(path(item, part, null, a.rendering()), caseSensitive)));
            return all;
        };
    }

    private record Keyed(@Nullable Object key, @Nullable Object item) {}

    private static List<Object> sorted(List<Object> items, UnaryOperator<Object> key, boolean reverse, Rendering r) {
        r.items(8L * items.size());
        List<Keyed> keyed = new ArrayList<>();
        items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
        Comparator<Keyed> order = (x, y) -> Comparisons.compare(x.key(), y.key(), "<", r);
        keyed.sort(reverse ? order.reversed() : order);
        List<Object> all = new ArrayList<>();
        keyed.forEach(one -> all.add(one.item()));
        return all;
    }

    private static Object dictsort(@Nullable Object value, Arguments a) {
        if (!(Values.defined(value)instanceof Map<?, ?> map)) {
            throw new TemplateException("dictsort needs a mapping, not " + Values.type(value));
        }
        String by = Values.text(a.get("by", "key"));
        if (!"key".equals(by) && !"value".equals(by)) {
            throw new TemplateException("You can only sort by either \"key\" or \"value\"");
        }
        int place = "key".equals(by) ? 0 : 1;
        return sorted(DictMethods.items(map, a.rendering()),
                pair -> folded(((Tuple) pair).get(place), a.flag("case_sensitive")), a.flag("reverse"),
                a.rendering());
    }

    private static Object unique(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        Map<Object, Object> seen = new HashMap<>();
        return PythonGenerator.filtered(Values.each(value, r), item -> {
            Object key = folded(path(item, a.get("attribute", null), null, r), a.flag("case_sensitive"));
            boolean first = DictKeys.present(seen, key, r) == DictKeys.NONE;
            DictKeys.put(seen, key, true, r);
            return first;
        }, r);
    }

    private static @Nullable Object outermost(@Nullable Object value, Arguments a, String operator) {
        Rendering r = a.rendering();
        Iterator<Object> items = Values.each(value, r);
        if (!items.hasNext()) {
            return new Undefined("No aggregated item, sequence was empty.");
        }
        Object best = items.next();
        Object bestKey = folded(path(best, a.get("attribute", null), null, r), a.flag("case_sensitive"));
        while (items.hasNext()) {
            Object item = items.next();
            Object key = folded(path(item, a.get("attribute", null), null, r), a.flag("case_sensitive"));
            if (Comparisons.holds(operator, key, bestKey, r)) {
                best = item;
                bestKey = key;
            }
        }
        return best;
    }

    private static Object groups(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        Object attribute = a.require("attribute");
        Object otherwise = a.get("default", null);
        UnaryOperator<Object> key = item -> folded(path(item, attribute, otherwise, r), a.flag("case_sensitive"));
        List<Object> groups = new ArrayList<>();
        List<Object> group = null;
        Object last = null;
        for (Object item : sorted(Values.list(value, r), key, false, r)) {
            Object next = key.apply(item);
            if (group == null || !Comparisons.equal(last, next, r)) {
                group = new ArrayList<>();
                groups.add(Tuple.group(path(item, attribute, otherwise, r), group));
            }
            group.add(item);
            last = next;
        }
        return groups;
    }

    private static Object batches(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        long count = Values.requireInteger(a.require("linecount"));
        Object fill = a.get("fill_with", null);
        Iterator<Object> items = Values.each(value, r);
        return new PythonGenerator(new Iterator<>() {
            private boolean begun;

            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                List<Object> batch = new ArrayList<>();
                // Python ends a batch that has just so many: one of none at the beginning, or never
                boolean empty = count == 0 && !begun;
                begun = true;
                while (!empty && items.hasNext() && (count <= 0 || batch.size() < count)) {
                    r.items(1);
                    batch.add(items.next());
                }
                if (fill != null && batch.size() < count) {
                    r.items(count - batch.size());
                    while (batch.size() < count) {
                        batch.add(fill);
                    }
                }
                return batch;
            }
        }, r);
    }

    private static Object slices(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        List<Object> items = Values.list(value, r);
        long slices = Values.requireInteger(a.require("slices"));
        if (slices == 0) {
            throw new TemplateException("integer division or modulo by zero");
        }
        long each = Math.floorDiv(items.size(), slices);
        long more = Math.floorMod(items.size(), slices);
        Object fill = a.get("fill_with", null);
        return new PythonGenerator(new Iterator<>() {
            private long at;

            @Override
            public boolean hasNext() {
                return at < slices;
            }

            @Override
            public Object next() {
                if (at >= slices) {
                    throw new NoSuchElementException();
                }
                int from = (int) (at * each + Math.min(at, more));
                int to = (int) (from + each + (at < more ? 1 : 0));
                r.items(4 + to - from);
                List<Object> slice = new ArrayList<>(items.subList(from, to));
                if (fill != null && at >= more) {
                    slice.add(fill);
                }
                at++;
                return slice;
            }
        }, r);
    }

    private static Object map(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        if (!Values.isTrue(value)) {
            return new PythonGenerator(Collections.emptyIterator(), r);
        }
        UnaryOperator<Object> change;
        if (a.positional().isEmpty() && a.has("attribute")) {
            a.named().keySet().stream().filter(name -> !name.equals("attribute") && !name.equals("default"))
                    .findFirst().ifPresent(name -> {
                        throw new TemplateException("Unexpected keyword argument '" + name + "'");
                    });
            change = item -> path(item, a.get("attribute", null), a.get("default", null), r);
        } else if (a.positional().isEmpty()) {
            throw new TemplateException("map requires a filter argument");
        } else {
            String name = Values.requireText(a.positional().get(0));
            Filter filter = Filters.named(name);
            if (filter == null) {
                throw new TemplateException("No filter named '" + name + "'.");
            }
            change = item -> filter.apply(item, a.after(1));
        }
        Iterator<Object> items = Values.each(value, r);
        return new PythonGenerator(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                return change.apply(items.next());
            }
        }, r);
    }

    private static Object filtered(@Nullable Object value, Arguments a, boolean attribute, boolean keep) {
        Rendering r = a.rendering();
        if (!Values.isTrue(value)) {
            return new PythonGenerator(Collections.emptyIterator(), r);
        }
        int at = attribute ? 1 : 0;
        if (attribute && a.positional().isEmpty()) {
            throw new TemplateException("Missing parameter for attribute name");
        }
        Predicate<Object> test = Values::isTrue;
        if (a.positional().size() > at) {
            String name = Values.requireText(a.positional().get(at));
            Tests.Test named = Tests.named(name);
            if (named == null) {
                throw new TemplateException("No test named '" + name + "'.");
            }
            test = item -> named.holds(item, a.after(at + 1));
        }
        Predicate<Object> holds = test;
        return PythonGenerator.filtered(Values.each(value, r),
                item -> holds.test(attribute ? path(item, a.positional().get(0), null, r) : item) == keep, r);
    }
}
