package dev.lockstep.jinja.python.values;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Keys of Python's dicts, for which 1, 1.0 and true are one key, and so are a text and the same text as HTML. */
public final class DictKeys {
    /** Stands for no key, and no item: null is a value of its own. */
    public static final Object NONE = new Object();

    private DictKeys() {}

    /** Whether it can be a key: a list or dict cannot. */
    public static boolean hashable(@Nullable Object key) {
        return !(key instanceof Map || key instanceof List && !(key instanceof Tuple) && !(key instanceof Range));
    }

    /** The key of the map that Python takes for equal to this one, {@link #NONE} where there is none. */
    public static @Nullable Object present(Map<?, ?> map, @Nullable Object key, Rendering r) {
        Object plain = plain(key, r);
        if (map.containsKey(plain)) {
            return plain;
        }
        if (plain instanceof Long || plain instanceof Boolean || plain instanceof Double
                || plain instanceof BigInteger) {
            for (Object other : sameNumbers(plain)) {
                if (map.containsKey(other)) {
                    return other;
                }
            }
        }
        return NONE;
    }

    /** Sets the value of a key, which stays as it was first written. */
    public static void put(Map<Object, Object> map, @Nullable Object key, @Nullable Object value, Rendering r) {
        r.items(8);
        Object present = present(map, key, r);
        map.put(present == NONE ? plain(key, r) : present, value);
    }

    private static List<Object> sameNumbers(@Nullable Object number) {
        List<Object> same = new ArrayList<>();
        BigDecimal exact = Numbers.exact(number);
        if (exact == null || exact.stripTrailingZeros().scale() > 0) {
            return same;
        }
        same.add(Numbers.narrow(exact.toBigInteger()));
        same.add(exact.doubleValue());
        if (exact.signum() == 0) {
            same.add(-0.0);
        }
        if (exact.compareTo(BigDecimal.ONE) == 0 || exact.signum() == 0) {
            same.add(exact.signum() != 0);
        }
        return same;
    }

    /** The key without HTML's type; going through all of it also bounds what Java's hash does then. */
    private static @Nullable Object plain(@Nullable Object key, Rendering r) {
        if (!hashable(key)) {
            throw new TemplateException("unhashable type: '" + Values.type(key) + "'");
        }
        if (key instanceof Tuple tuple) {
            r.enter();
            List<Object> items = new ArrayList<>();
            tuple.forEach(item -> items.add(plain(item, r)));
            r.leave();
            r.items(16 + 8L * items.size());
            return Tuple.of(items);
        }
        String text = Values.text(key);
        if (text != null) {
            r.reads(text);
        }
        return text == null ? key : text;
    }
}
