package dev.lockstep.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The attributes of values: Python's methods that leave their object as it is. */
final class Methods {
    /** What the sandbox does not let a template call. */
    private static final Set<String> LISTS_CHANGE = Set.of("append", "clear", "extend", "insert", "pop", "remove",
            "reverse", "sort");
    private static final Set<String> DICTS_CHANGE = Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Methods() {}

    /** The method or attribute of this name, undefined where there is none. */
    static Object attribute(Object value, String name, Rendering r) {
        if (name.startsWith("__") && name.endsWith("__") || refused(value, name)) {
            return Undefined.unsafe(value, name);
        }
        Object found = null;
        if (value instanceof Namespace namespace) {
            return namespace.attributes.containsKey(name)
                    ? namespace.attributes.get(name)
                    : Undefined.of(value, name);
        } else if (value instanceof Loop loop) {
            return loop.attribute(name);
        } else if (value instanceof Macro macro) {
            return macro.attribute(name);
        } else if (value instanceof Blocks blocks) {
            return blocks.attribute(name);
        } else if (value instanceof Cycler cycler) {
            return cycler.attribute(name);
        } else if (Values.isText(value)) {
            found = TextMethods.named(value, name);
        } else if (value instanceof Map<?, ?> map) {
            found = ofMap(map, name);
        } else if (value instanceof List<?> list) {
            found = ofList(list, name);
        } else if (Values.isNumber(value)) {
            found = NumberMethods.named(value, name);
        }
        return found == null ? Undefined.of(value, name) : found;
    }

    static boolean refused(Object value, String name) {
        return value instanceof Map
                ? DICTS_CHANGE.contains(name)
                : value instanceof List && !(value instanceof Tuple || value instanceof Range)
                        && LISTS_CHANGE.contains(name);
    }

    private static Object ofMap(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> Function.of(name, "", a -> new DictView(DictView.Kind.ITEMS, map));
            case "keys" -> Function.of(name, "", a -> new DictView(DictView.Kind.KEYS, map));
            case "values" -> Function.of(name, "", a -> new DictView(DictView.Kind.VALUES, map));
            case "get" -> Function.of(name, "key default", a -> {
                Object key = Keys.present(map, a.require("key"), a.rendering());
                return key == Keys.NONE ? a.get("default", null) : map.get(key);
            });
            case "copy" -> Function.of(name, "", a -> copy(map, a.rendering()));
            case "fromkeys" -> Function.of(name, "iterable value", a -> {
                Map<Object, Object> made = new LinkedHashMap<>();
                for (Iterator<Object> keys = Values.each(a.require("iterable"), a.rendering()); keys.hasNext();) {
                    Keys.put(made, keys.next(), a.get("value", null), a.rendering());
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
    static Map<Object, Object> dict(Arguments a) {
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
                Keys.put(made, pair.get(0), pair.get(1), r);
            }
        }
        made.putAll(a.named());
        return made;
    }

    private static Object ofList(List<?> list, String name) {
        return switch (name) {
            case "copy" -> list instanceof Tuple || list instanceof Range
                    ? null
                    : Function.of(name, "", a -> Values.list(list, a.rendering()));
            case "count" -> Function.of(name, "value", a -> {
                long count = 0;
                for (Object item : list) {
                    count += Comparing.equal(item, a.require("value"), a.rendering()) ? 1 : 0;
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
            if (Comparing.equal(list.get(i), a.require("value"), a.rendering())) {
                return (long) i;
            }
        }
        throw new TemplateException(list instanceof Tuple
                ? "tuple.index(x): x not in tuple"
                : Text.repr(a.require("value"), a.rendering()) + " is not in " + Values.type(list));
    }

    /** The same values, to be made a list. */
    static List<Object> items(Map<?, ?> map, Rendering r) {
        List<Object> items = new ArrayList<>();
        r.items(8L * map.size());
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }
}
