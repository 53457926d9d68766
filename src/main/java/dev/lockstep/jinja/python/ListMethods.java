package dev.lockstep.jinja.python;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.TemplateException;

/** The attributes and methods of Python's list, tuple and range. */
final class ListMethods {
    private ListMethods() {}

    /** Null where there is none. */
    static @Nullable Object named(List<?> list, String name) {
        return switch (name) {
            case "copy" -> list instanceof Tuple || list instanceof Range
                    ? null
                    : Function.of(name, "", a -> Values.list(list, a.rendering()));
            case "count" -> Function.of(name, "value", a -> {
                long count = 0;
                for (Object item : list) {
                    count += Comparisons.equal(item, a.require("value"), a.rendering()) ? 1 : 0;
                }
                return count;
            });
            case "index" -> Function.of(name, "value start stop", a -> index(list, a));
            case "start", "stop", "step" -> list instanceof Range range ? range.bound(name) : null;
            case "grouper" -> list instanceof Tuple tuple && tuple.isGroup() ? tuple.get(0) : null;
            case "list" -> list instanceof Tuple tuple && tuple.isGroup() ? tuple.get(1) : null;
            default -> null;
        };
    }

    private static Object index(List<?> list, Arguments a) {
        int size = list.size();
        int start = a.integer("start", 0);
        int stop = a.integer("stop", size);
        for (int i = Math.max(0, start < 0 ? start + size : start); i < Math.min(size,
                stop < 0 ? stop + size : stop); i++) {
            if (Comparisons.equal(list.get(i), a.require("value"), a.rendering())) {
                return (long) i;
            }
        }
        throw new TemplateException(list instanceof Tuple
                ? "tuple.index(x): x not in tuple"
                : Repr.repr(a.require("value"), a.rendering()) + " is not in " + Values.type(list));
    }
}
