package dev.lockstep.model.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What Python's operators mean for the values of templates: null (None), Boolean, Long or BigInteger, Double, String,
 * List, Map, {@link Namespace}, {@link Function} and {@link Undefined}.
 */
final class Values {
    private Values() {}

    static String type(Object value) {
        if (value == null) {
            return "NoneType";
        }
        return value instanceof Boolean
                ? "bool"
                : value instanceof Long || value instanceof BigInteger
                        ? "int"
                        : value instanceof Double
                                ? "float"
                                : value instanceof String
                                        ? "str"
                                        : value instanceof List
                                                ? "list"
                                                : value instanceof Map
                                                        ? "dict"
                                                        : value instanceof Function
                                                                ? "function"
                                                                : value.getClass().getSimpleName();
    }

    static boolean isTrue(Object value) {
        if (value == null || value instanceof Undefined) {
            return false;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        if (value instanceof Number number) {
            return number.doubleValue() != 0;
        }
        return !(value instanceof String || value instanceof List || value instanceof Map) || length(value) > 0;
    }

    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        }
        if (value instanceof List<?> list) {
            return list.size();
        }
        if (value instanceof Map<?, ?> map) {
            return map.size();
        }
        if (value instanceof Undefined) {
            return 0;
        }
        throw new TemplateException("object of type '" + type(value) + "' has no len()");
    }

    /** What a {@code for} goes through. */
    static List<Object> iterate(Object value) {
        if (value instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        if (value instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        }
        if (value instanceof String text) {
            return Text.characters(text);
        }
        if (value instanceof Undefined) {
            return List.of();
        }
        throw new TemplateException("'" + type(value) + "' object is not iterable");
    }

    static String requireText(Object value) {
        if (!(value instanceof String text)) {
            throw new TemplateException("expected str, not " + type(defined(value)));
        }
        return text;
    }

    static long requireInteger(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        if (!(value instanceof Long number)) {
            throw new TemplateException("expected int, not " + type(defined(value)));
        }
        return number;
    }

    static Object defined(Object value) {
        if (value instanceof Undefined undefined) {
            throw new TemplateException(undefined.why());
        }
        return value;
    }

    static boolean equal(Object a, Object b) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double ? real(a) == real(b) : Objects.equals(whole(a), whole(b));
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            if (x.size() != y.size()) {
                return false;
            }
            for (int i = 0; i < x.size(); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.size() == y.size() && x.entrySet().stream()
                    .allMatch(e -> y.containsKey(e.getKey()) && equal(e.getValue(), y.get(e.getKey())));
        }
        return a instanceof Undefined ? b instanceof Undefined : Objects.equals(a, b);
    }

    static int compare(Object a, Object b, String operator) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double
                    ? Double.compare(real(a), real(b))
                    : whole(a).compareTo(whole(b));
        }
        if (a instanceof String x && b instanceof String y) {
            return java.util.Arrays.compare(x.codePoints().toArray(), y.codePoints().toArray());
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return compare(x.get(i), y.get(i), operator);
                }
            }
            return Integer.compare(x.size(), y.size());
        }
        throw new TemplateException("'" + operator + "' not supported between instances of '" + type(defined(a))
                + "' and '" + type(defined(b)) + "'");
    }

    static boolean contains(Object container, Object item) {
        if (container instanceof String text) {
            if (!(item instanceof String part)) {
                throw new TemplateException(
                        "'in <string>' requires string as left operand, not " + type(defined(item)));
            }
            return text.contains(part);
        }
        if (container instanceof Map<?, ?> map) {
            return map.containsKey(item);
        }
        if (!(container instanceof List || container instanceof Undefined)) {
            throw new TemplateException("argument of type '" + type(container) + "' is not iterable");
        }
        return iterate(container).stream().anyMatch(value -> equal(value, item));
    }

    /** {@code a operator b} for {@code + - * / // % **}. */
    static Object arithmetic(String operator, Object a, Object b) {
        defined(a);
        defined(b);
        if (isNumber(a) && isNumber(b)) {
            boolean real = a instanceof Double || b instanceof Double;
            try {
                return real || operator.equals("/") || operator.equals("**") && real(b) < 0
                        ? reals(operator, real(a), real(b))
                        : wholes(operator, whole(a), whole(b));
            } catch (ArithmeticException e) {
                throw new TemplateException(real(b) == 0 ? "division by zero" : "an exponent is too large", e);
            }
        }
        if (operator.equals("+") && a instanceof String x && b instanceof String y) {
            return x + y;
        }
        if (operator.equals("+") && a instanceof List<?> x && b instanceof List<?> y) {
            List<Object> both = new ArrayList<>(x);
            both.addAll(y);
            return both;
        }
        if (operator.equals("*") && a instanceof Long && !(b instanceof Long)) {
            return arithmetic("*", b, a);
        }
        if (operator.equals("*") && b instanceof Long times && a instanceof String text) {
            return text.repeat(repeats(times, text.length()));
        }
        if (operator.equals("*") && b instanceof Long times && a instanceof List<?> list) {
            List<Object> all = new ArrayList<>();
            for (int i = repeats(times, list.size()); i > 0; i--) {
                all.addAll(list);
            }
            return all;
        }
        if (operator.equals("%") && a instanceof String text) {
            return Filters.format(text, b instanceof List<?> list ? new ArrayList<>(list) : List.of(b));
        }
        throw new TemplateException(operator.equals("+") && a instanceof String
                ? "can only concatenate str (not \"" + type(b) + "\") to str"
                : "unsupported operand type(s) for " + operator + ": '" + type(a) + "' and '" + type(b) + "'");
    }

    static Object negative(Object value) {
        return value instanceof Double number ? (Object) (-number) : arithmetic("-", 0L, value);
    }

    private static int repeats(long times, int length) {
        if (times * (double) length > 100_000_000) {
            throw new TemplateException("a repetition of " + times + " times is too long");
        }
        return (int) Math.max(0, times);
    }

    private static Object reals(String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw new ArithmeticException();
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            default -> Math.pow(a, b);
        };
    }

    private static Object wholes(String operator, BigInteger a, BigInteger b) {
        return narrow(switch (operator) {
            case "+" -> a.add(b);
            case "-" -> a.subtract(b);
            case "*" -> a.multiply(b);
            case "//" -> a.subtract(floorMod(a, b)).divide(b);
            case "%" -> floorMod(a, b);
            default -> {
                if (b.bitLength() > 16) {
                    throw new ArithmeticException();
                }
                yield a.pow(b.intValue());
            }
        });
    }

    private static BigInteger floorMod(BigInteger a, BigInteger b) {
        BigInteger rest = a.mod(b.abs());
        return b.signum() < 0 && rest.signum() > 0 ? rest.add(b) : rest;
    }

    static Object narrow(BigInteger value) {
        return value.bitLength() < 64 ? (Object) value.longValue() : value;
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof BigInteger || value instanceof Double
                || value instanceof Boolean;
    }

    static double real(Object number) {
        return number instanceof Boolean flag ? flag ? 1 : 0 : ((Number) number).doubleValue();
    }

    private static BigInteger whole(Object number) {
        return number instanceof BigInteger big ? big : BigInteger.valueOf(requireInteger(number));
    }

    /** {@code value[index]}, undefined where there is none. */
    static Object item(Object value, Object index) {
        defined(value);
        if (value instanceof Map<?, ?> map && map.containsKey(index)) {
            return map.get(index);
        }
        if ((value instanceof List || value instanceof String) && (index instanceof Long || index instanceof Boolean)) {
            List<Object> items = iterate(value);
            long at = requireInteger(index);
            at = at < 0 ? at + items.size() : at;
            return at >= 0 && at < items.size() ? items.get((int) at) : Undefined.element(value, index);
        }
        return index instanceof String name ? Methods.attribute(value, name) : Undefined.attribute(value, index);
    }

    /** {@code value.name}: a method before a key. */
    static Object attribute(Object value, String name) {
        defined(value);
        Object found = Methods.attribute(value, name);
        return found instanceof Undefined && value instanceof Map<?, ?> map && map.containsKey(name)
                ? map.get(name)
                : found;
    }

    /** {@code value[start:stop:step]}; a null bound is left out. */
    static Object slice(Object value, Object start, Object stop, Object step) {
        if (!(defined(value) instanceof List || value instanceof String)) {
            throw new TemplateException("'" + type(value) + "' object is not subscriptable");
        }
        List<Object> items = iterate(value);
        long by = step == null ? 1 : requireInteger(step);
        if (by == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        long size = items.size();
        long low = by > 0 ? 0 : -1;
        long high = by > 0 ? size : size - 1;
        long from = start == null ? by > 0 ? low : high : bound(requireInteger(start), size, low, high);
        long to = stop == null ? by > 0 ? high : low : bound(requireInteger(stop), size, low, high);
        List<Object> out = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            out.add(items.get((int) i));
        }
        return value instanceof String ? String.join("", out.stream().map(Text::str).toList()) : out;
    }

    private static long bound(long index, long size, long low, long high) {
        return Math.max(low, Math.min(high, index < 0 ? index + size : index));
    }
}
