package dev.lockstep.jinja.python;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.DictView;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** The methods of Python's dict, and what makes one. */
public final class DictMethods {
    private DictMethods() {}

    /** Null where there is none. */
    static @Nullable Object named(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> Function.of(name, "", a -> new DictView(DictView.Kind.ITEMS, map));
            case "keys" -> Function.of(name, "", a -> new DictView(DictView.Kind.KEYS, map));
            case "values" -> Function.of(name, "", a -> new DictView(DictView.Kind.VALUES, map));
            case "get" -> Function.of(name, "key default", a -> {
                Object key = DictKeys.present(map, a.require("key"), a.rendering());
                return key == DictKeys.NONE ? a.get("default", null) : map.get(key);
            });
            case "copy" -> Function.of(name, "", a -> copy(map, a.rendering()));
            case "fromkeys" -> Function.of(name, "iterable value", a -> {
                Map<Object, Object> made = new LinkedHashMap<>();
                for (Iterator<Object> keys = Values.each(a.require("iterable"), a.rendering()); keys.hasNext();) {
                    DictKeys.put(made, keys.next(), a.get("value", null), a.rendering());
                }
                return made;
            });
            default -> null;
        };
    }

    private static Map<Object, Object> copy(Map<?, ?> map, Rendering r) {
        r.items(8L * map.size());
        return new LinkedHashMap<>(map);
    }

    /** Python's {@code dict(…)}. */
    public static Map<Object, Object> dict(Arguments a) {
        Rendering r = a.rendering();
        if (a.positional().size() > 1) {
            throw new TemplateException("dict expected at most 1 argument, got " + a.positional().size());
        }
        Map<Object, Object> made = new LinkedHashMap<>();
        Object from = a.positional().isEmpty() ? made : Values.defined(a.positional().get(0));
        if (from instanceof Map<?, ?> map) {
            made = copy(map, r);
        } else {
            for (Iterator<Object> pairs = Values.each(from, r); pairs.hasNext();) {
                List<Object> pair = Values.list(pairs.next(), r);
                if (pair.size() != 2) {
                    throw new TemplateException("dictionary update sequence element #" + made.size() + " has length "
                            + pair.size() + "; 2 is required");
                }
                DictKeys.put(made, pair.get(0), pair.get(1), r);
            }
        }
        made.putAll(a.named());
        return made;
    }

    /** The pairs of a key and its value. */
    public static List<Object> items(Map<?, ?> map, Rendering r) {
        List<Object> items = new ArrayList<>();
        r.items(8L * map.size());
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }
}
