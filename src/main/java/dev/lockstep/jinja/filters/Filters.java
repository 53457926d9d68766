package dev.lockstep.jinja.filters;

import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.Attributes;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.TemplateException;

/** Jinja's filters by their names. */
public final class Filters {
    /** One filter; its arguments are those in parentheses behind its name. */
    public interface Filter {
        @Nullable
        Object apply(@Nullable Object value, Arguments arguments);
    }

    private static final Map<String, Filter> ALL = new HashMap<>();

    static {
        add("default d", "default_value boolean", (value, a) -> value instanceof Undefined
                || a.flag("boolean") && !Values.isTrue(value) ? a.get("default_value", "") : value);
        add("attr", "name", (value, a) -> Attributes.of(Values.defined(value), a.text("name"), a.rendering()));
        add("random", "", refused("random", "no two runs would give the same prompt"));
        add("urlize", "*", refused("urlize", "a prompt has no links"));
        StringFilters.addTo(ALL);
        ListFilters.addTo(ALL);
        NumberFilters.addTo(ALL);
    }

    private Filters() {}

    /** Null where there is no such filter. */
    public static @Nullable Filter named(String name) {
        return ALL.get(name);
    }

    private static void add(String names, String signature, Filter filter) {
        add(ALL, names, signature, filter);
    }

    /**
     * @param names     of the filter, with blanks between
     * @param signature of its arguments, see {@link Arguments#as}
     */
    static void add(Map<String, Filter> all, String names, String signature, Filter filter) {
        for (String name : names.split(" ")) {
            all.put(name, (value, a) -> {
                String text = Values.text(value);
                if (text != null) {
                    a.rendering().reads(text);
                }
                return filter.apply(value, a.as(name, signature));
            });
        }
    }

    private static Filter refused(String name, String why) {
        return (value, a) -> {
            throw new TemplateException("the filter " + name + " is not supported: " + why);
        };
    }
}
