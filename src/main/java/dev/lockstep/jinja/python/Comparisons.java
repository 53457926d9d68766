package dev.lockstep.jinja.python;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.DictView;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** What Python's {@code ==}, {@code <} and {@code in} mean. */
public final class Comparisons {
    private Comparisons() {}

    /** Whether {@code a == b}, for values of any two types. */
    public static boolean equal(@Nullable Object a, @Nullable Object b, Rendering r) {
        r.step();
        if (a instanceof Long x && b instanceof Long y) {
            return x.longValue() == y.longValue();
        }
        if (Values.isNumber(a) && Values.isNumber(b)) {
            return !isNan(a) && !isNan(b) && Numbers.compare(a, b) == 0;
        }
        String text = Values.text(a);
        if (text != null) {
            r.reads(text);
            return text.equals(Values.text(b));
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return Values.type(a).equals(Values.type(b)) && equal(x, y, r);
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.size() == y.size() && equal(x, y, r);
        }
        if (a instanceof Undefined || a == null) {
            return a == null ? b == null : b instanceof Undefined;
        }
        return a == b;
    }

    private static boolean equal(List<?> x, List<?> y, Rendering r) {
        if (x.size() != y.size()) {
            return false;
        }
        r.enter();
        for (int i = 0; i < x.size(); i++) {
            if (!same(x.get(i), y.get(i), r)) {
                r.leave();
                return false;
            }
        }
        r.leave();
        return true;
    }

    private static boolean equal(Map<?, ?> x, Map<?, ?> y, Rendering r) {
        r.enter();
        for (Map.Entry<?, ?> entry : x.entrySet()) {
            Object key = DictKeys.present(y, entry.getKey(), r);
            if (key == DictKeys.NONE || !same(entry.getValue(), y.get(key), r)) {
                r.leave();
                return false;
            }
        }
        r.leave();
        return true;
    }

    /** Python's containers look at identity first, which shows for {@code nan} and is quick for shared lists. */
    private static boolean same(@Nullable Object a, @Nullable Object b, Rendering r) {
        return a == b || equal(a, b, r);
    }

    private static boolean isNan(@Nullable Object value) {
        return value instanceof Double number && number.isNaN();
    }

    /** Whether {@code a operator b} for {@code < <= > >=}. */
    public static boolean holds(String operator, @Nullable Object a, @Nullable Object b, Rendering r) {
        if (isNan(a) && Values.isNumber(b) || isNan(b) && Values.isNumber(a)) {
            return false;
        }
        int order = compare(a, b, operator, r);
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    /**
     * Below, at or above 0 as a is to b.
     *
     * @param operator the sign that is named when they cannot be compared
     * @throws TemplateException when their types have no order
     */
    public static int compare(@Nullable Object a, @Nullable Object b, String operator, Rendering r) {
        r.step();
        if (Values.isNumber(a) && Values.isNumber(b)) {
            return Numbers.compare(a, b);
        }
        String text = Values.text(a);
        String other = Values.text(b);
        if (text != null && other != null) {
            return compare(text, other, r);
        }
        if (a instanceof List<?> x && b instanceof List<?> y && Values.type(a).equals(Values.type(b))
                && !(a instanceof Range)) {
            r.enter();
            int order = Integer.compare(x.size(), y.size());
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!same(x.get(i), y.get(i), r)) {
                    order = compare(x.get(i), y.get(i), operator, r);
                    break;
                }
            }
            r.leave();
            return order;
        }
        throw new TemplateException("'" + operator + "' not supported between instances of '"
                + Values.type(Values.defined(a)) + "' and '" + Values.type(Values.defined(b)) + "'");
    }

    /** By code points, which is not the order of Java's characters beyond U+FFFF. */
    private static int compare(String a, String b, Rendering r) {
        int length = Math.min(a.length(), b.length());
        r.steps(length / 32);
        for (int i = 0; i < length; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean surrogates = Character.isSurrogate(x) == Character.isSurrogate(y);
                return surrogates ? Character.compare(x, y) : Character.isSurrogate(x) ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    /**
     * Whether {@code item in container}.
     *
     * @throws TemplateException when the container cannot hold such an item
     */
    public static boolean contains(@Nullable Object container, @Nullable Object item, Rendering r) {
        r.step();
        String text = Values.text(container);
        if (text != null) {
            String part = Values.text(item);
            if (part == null) {
                throw new TemplateException("'in <string>' requires string as left operand, not "
                        + Values.type(Values.defined(item)));
            }
            return SubstringSearch.first(text, part, 0, r) >= 0;
        }
        if (container instanceof Map<?, ?> map) {
            return DictKeys.present(map, item, r) != DictKeys.NONE;
        }
        if (container instanceof DictView view && view.kind() == DictView.Kind.KEYS) {
            return DictKeys.present(view.map(), item, r) != DictKeys.NONE;
        }
        if (!Values.isIterable(container)) {
            throw new TemplateException("argument of type '" + Values.type(container) + "' is not iterable");
        }
        for (Iterator<Object> items = Values.each(container, r); items.hasNext();) {
            if (same(items.next(), item, r)) {
                return true;
            }
        }
        return false;
    }
}
