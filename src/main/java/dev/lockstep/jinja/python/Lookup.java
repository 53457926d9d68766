package dev.lockstep.jinja.python;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** What Python's and Jinja's {@code value.name}, {@code value[index]} and {@code value[start:stop:step]} mean. */
public final class Lookup {
    private Lookup() {}

    /** {@code value[index]}, undefined where there is none. */
    public static @Nullable Object item(@Nullable Object value, @Nullable Object index, Rendering r) {
        r.step();
        Values.defined(value);
        if (value instanceof Map<?, ?> map && DictKeys.hashable(index)) {
            Object key = DictKeys.present(map, index, r);
            if (key != DictKeys.NONE) {
                return map.get(key);
            }
        }
        if ((value instanceof List || Values.isText(value)) && (index instanceof Long || index instanceof Boolean)) {
            if (Values.isText(value)) {
                r.reads(Values.requireText(value));
            }
            Object found = place(value, Values.requireInteger(index));
            return found == DictKeys.NONE ? Undefined.of(value, index) : found;
        }
        String name = Values.text(index);
        return name == null ? Undefined.of(value, index) : Attributes.of(value, name, r);
    }

    private static @Nullable Object place(@Nullable Object value, long index) {
        if (value instanceof List<?> list) {
            long at = index < 0 ? index + list.size() : index;
            return at >= 0 && at < list.size() ? list.get((int) at) : DictKeys.NONE;
        }
        String text = Values.requireText(value);
        long at = index < 0 ? index + Values.length(value) : index;
        if (at < 0 || at >= text.length() || at >= Values.length(value)) {
            return DictKeys.NONE;
        }
        return Values.like(value, Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at))));
    }

    /** {@code value.name}: a method before a key. */
    public static @Nullable Object attribute(@Nullable Object value, String name, Rendering r) {
        r.step();
        Values.defined(value);
        Object found = Attributes.of(value, name, r);
        return found instanceof Undefined && value instanceof Map<?, ?> map && !Attributes.refused(map, name)
                && map.containsKey(name) ? map.get(name) : found;
    }

    /** {@code value[start:stop:step]}; a null bound is left out. */
    public static Object slice(@Nullable Object value, @Nullable Object start, @Nullable Object stop,
            @Nullable Object step, Rendering r) {
        if (!(Values.defined(value) instanceof List || Values.isText(value))) {
            throw new TemplateException("'" + Values.type(value) + "' object is not subscriptable");
        }
        long by = step == null ? 1 : Values.requireInteger(step);
        if (by == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        if (Values.isText(value)) {
            r.reads(Values.requireText(value));
        }
        long size = Values.length(value);
        long low = by > 0 ? 0 : -1;
        long high = by > 0 ? size : size - 1;
        long from = start == null ? by > 0 ? low : high : bound(Values.requireInteger(start), size, low, high);
        long to = stop == null ? by > 0 ? high : low : bound(Values.requireInteger(stop), size, low, high);
        if (value instanceof Range range) {
            return range.slice((int) from, (int) to, by);
        }
        String text = Values.text(value);
        if (text != null) {
            r.characters(Math.max(0, by > 0 ? to - from : from - to));
            return Values.like(value, slice(text, from, to, by, size));
        }
        List<?> items = Objects.requireNonNull((List<?>) value); // what else has passed is text
        r.items(Math.max(0, by > 0 ? to - from : from - to));
        List<Object> out = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            out.add(items.get((int) i));
        }
        return value instanceof Tuple ? Tuple.of(out) : out;
    }

    private static String slice(String text, long from, long to, long by, long size) {
        boolean plain = size == text.length();
        if (by == 1) {
            return from >= to
                    ? ""
                    : plain
                            ? text.substring((int) from, (int) to)
                            : text.substring(text.offsetByCodePoints(0, (int) from),
                                    text.offsetByCodePoints(0, (int) to));
        }
        int[] characters = text.codePoints().toArray();
        StringBuilder out = new StringBuilder();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            out.appendCodePoint(characters[(int) i]);
        }
        return out.toString();
    }

    private static long bound(long index, long size, long low, long high) {
        return Math.max(low, Math.min(high, index < 0 ? index + size : index));
    }
}
