package dev.lockstep.jinja.filters;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.filters.Filters.Filter;
import dev.lockstep.jinja.python.Arithmetic;
import dev.lockstep.jinja.python.FormatSpec;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Jinja's filters that make numbers or write them. */
final class NumberFilters {
    private static final List<String> SIZES = List.of("k", "M", "G", "T", "P", "E", "Z", "Y");

    private NumberFilters() {}

    static void addTo(Map<String, Filter> all) {
        Filters.add(all, "int", "default base", NumberFilters::integer);
        Filters.add(all, "float", "default", (value, a) -> {
            Double real = real(value);
            return real == null ? a.get("default", 0.0) : real;
        });
        Filters.add(all, "round", "precision method", NumberFilters::round);
        Filters.add(all, "abs", "", (value, a) -> {
            if (!Values.isNumber(Values.defined(value))) {
                throw new TemplateException("bad operand type for abs(): '" + Values.type(value) + "'");
            }
            return value instanceof Double number
                    ? (Object) Math.abs(number)
                    : Numbers.narrow(Numbers.whole(value).abs());
        });
        Filters.add(all, "sum", "attribute start", (value, a) -> {
            Object sum = a.get("start", 0L);
            if (Values.isText(sum)) {
                throw new TemplateException("sum() can't sum strings [use ''.join(seq) instead]");
            }
            for (Iterator<Object> items = Values.each(value, a.rendering()); items.hasNext();) {
                Object item = ListFilters.path(items.next(), a.get("attribute", null), null, a.rendering());
                sum = Arithmetic.apply("+", sum, item, a.rendering());
            }
            return sum;
        });
        Filters.add(all, "filesizeformat", "binary", NumberFilters::fileSize);
    }

    private static @Nullable Object integer(@Nullable Object value, Arguments a) {
        Object otherwise = a.get("default", 0L);
        if (value instanceof Double number) {
            return number.isNaN() ? otherwise : Numbers.truncated(number);
        }
        String text = Values.text(Values.defined(value));
        if (text == null) {
            return Values.isNumber(value) ? Numbers.narrow(Numbers.whole(value)) : otherwise;
        }
        a.rendering().steps(text.length());
        Object whole = Numbers.integer(text, a.integer("base", 10));
        Double real = whole == null ? Numbers.real(text) : null;
        return whole != null
                ? whole
                : real == null || real.isNaN() || real.isInfinite() ? otherwise : Numbers.truncated(real);
    }

    private static @Nullable Double real(@Nullable Object value) {
        String text = Values.text(Values.defined(value));
        return text != null ? Numbers.real(text) : Values.isNumber(value) ? (Double) Numbers.real(value) : null;
    }

    private static Object round(@Nullable Object value, Arguments a) {
        String method = String.valueOf(Values.text(a.get("method", "common")));
        long precision = Values.requireInteger(a.get("precision", 0L));
        if (!List.of("common", "ceil", "floor").contains(method)) {
            throw new TemplateException("method must be common, ceil or floor");
        }
        if (!Values.isNumber(Values.defined(value))) {
            throw new TemplateException("type " + Values.type(value) + " cannot be rounded");
        }
        if (method.equals("common")) {
            return value instanceof Double number
                    ? rounded(number, precision, a.rendering())
                    : rounded(value, precision, a);
        }
        Rendering r = a.rendering();
        Object unit = Arithmetic.apply("**", 10L, precision, r);
        Object scaled = Arithmetic.apply("*", value, unit, r);
        if (scaled instanceof Double number) {
            Numbers.truncated(number);
            scaled = Numbers.truncated(method.equals("ceil") ? Math.ceil(number) : Math.floor(number));
        }
        return Arithmetic.apply("/", scaled, unit, r);
    }

    private static Object rounded(double value, long precision, Rendering r) {
        r.steps(100);
        if (precision > 330 || Double.isNaN(value) || Double.isInfinite(value)) {
            return value;
        }
        if (precision < -330) {
            return 0.0 * value;
        }
        BigDecimal exact = new BigDecimal(value);
        if (exact.scale() <= precision) {
            return value;
        }
        r.steps(exact.scale());
        double rounded = exact.setScale((int) precision, RoundingMode.HALF_EVEN).doubleValue();
        return Math.copySign(rounded, value);
    }

    private static Object rounded(@Nullable Object whole, long precision, Arguments a) {
        if (precision >= 0) {
            return Numbers.narrow(Numbers.whole(whole));
        }
        if (precision < -Numbers.MOST_DIGITS) {
            return 0L;
        }
        a.rendering().steps(-precision);
        return Numbers.narrow(new BigDecimal(Numbers.whole(whole))
                .setScale((int) precision, RoundingMode.HALF_EVEN).toBigInteger());
    }

    private static Object fileSize(@Nullable Object value, Arguments a) {
        Double bytes = real(value);
        if (bytes == null) {
            throw new TemplateException(Values.isText(value)
                    ? "could not convert string to float: " + Repr.quoted(Values.requireText(value))
                    : "float() argument must be a string or a real number, not '" + Values.type(value) + "'");
        }
        boolean binary = a.flag("binary");
        int base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return Repr.number(Numbers.truncated(bytes)) + " Bytes";
        }
        int size = 0;
        while (size < SIZES.size() - 1 && bytes >= Math.pow(base, size + 2)) {
            size++;
        }
        String number = FormatSpec.parse(".1f").format(base * bytes / Math.pow(base, size + 2), a.rendering());
        String letter = SIZES.get(size);
        return number + " " + (binary ? letter.toUpperCase(java.util.Locale.ROOT) + "i" : letter) + "B";
    }
}
