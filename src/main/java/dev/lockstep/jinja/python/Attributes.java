package dev.lockstep.jinja.python;

import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.JinjaObject;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;

/** The attributes of values: Python's methods that leave their object as it is. */
public final class Attributes {
    /** What the sandbox does not let a template call. */
    private static final Set<String> LISTS_CHANGE = Set.of("append", "clear", "extend", "insert", "pop", "remove",
            "reverse", "sort");
    private static final Set<String> DICTS_CHANGE = Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Attributes() {}

    /** The method or attribute of this name, undefined where there is none. */
    public static @Nullable Object of(@Nullable Object value, String name, Rendering r) {
        if (name.startsWith("__") && name.endsWith("__") || refused(value, name)) {
            return Undefined.unsafe(value, name);
        }
        Object found = null;
        if (value instanceof JinjaObject object) {
            return object.attribute(name);
        } else if (Values.isText(value)) {
            found = StringMethods.named(value, name);
        } else if (value instanceof Map<?, ?> map) {
            found = DictMethods.named(map, name);
        } else if (value instanceof List<?> list) {
            found = ListMethods.named(list, name);
        } else if (Values.isNumber(value)) {
            found = NumberMethods.named(value, name);
        }
        return found == null ? Undefined.of(value, name) : found;
    }

    static boolean refused(@Nullable Object value, String name) {
        return value instanceof Map
                ? DICTS_CHANGE.contains(name)
                : value instanceof List && !(value instanceof Tuple || value instanceof Range)
                        && LISTS_CHANGE.contains(name);
    }
}
