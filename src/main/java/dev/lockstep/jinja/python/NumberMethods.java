package dev.lockstep.jinja.python;

import java.math.BigDecimal;
import java.math.BigInteger;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.rendering.TemplateException;

/** The attributes and methods of Python's int and float. */
final class NumberMethods {
    private static final String BYTES = " is about bytes, which are not supported";

    private NumberMethods() {}

    /** Null where there is none. */
    static @Nullable Object named(@Nullable Object number, String name) {
        return number instanceof Double real ? ofReal(real, name) : ofWhole(Numbers.whole(number), name);
    }

    private static @Nullable Object ofWhole(BigInteger value, String name) {
        Object same = Numbers.narrow(value);
        return switch (name) {
            case "real", "numerator" -> same;
            case "imag" -> 0L;
            case "denominator" -> 1L;
            case "conjugate" -> Function.of(name, "", a -> same);
            case "bit_length" -> Function.of(name, "", a -> (long) value.abs().bitLength());
            case "bit_count" -> Function.of(name, "", a -> (long) value.abs().bitCount());
            case "as_integer_ratio" -> Function.of(name, "", a -> Tuple.of(same, 1L));
            case "to_bytes", "from_bytes" -> Function.refused("int." + name + BYTES);
            default -> null;
        };
    }

    private static @Nullable Object ofReal(double value, String name) {
        return switch (name) {
            case "real" -> value;
            case "imag" -> 0.0;
            case "conjugate" -> Function.of(name, "", a -> value);
            case "is_integer" -> Function.of(name, "", a -> value == Math.rint(value) && !Double.isInfinite(value));
            case "as_integer_ratio" -> Function.of(name, "", a -> ratio(value));
            case "hex" -> Function.of(name, "", a -> hexadecimal(value));
            case "fromhex" -> Function.refused("float.fromhex is not supported");
            default -> null;
        };
    }

    private static Object ratio(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw new TemplateException(Double.isNaN(value)
                    ? "cannot convert NaN to integer ratio"
                    : "cannot convert Infinity to integer ratio");
        }
        BigDecimal exact = new BigDecimal(value);
        BigInteger below = BigInteger.TEN.pow(Math.max(0, exact.scale()));
        BigInteger above = exact.multiply(new BigDecimal(below)).toBigIntegerExact();
        BigInteger common = above.gcd(below);
        return Tuple.of(Numbers.narrow(above.divide(common)), Numbers.narrow(below.divide(common)));
    }

    private static String hexadecimal(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Numbers.text(value);
        }
        String sign = value < 0 || 1 / value < 0 ? "-" : "";
        if (value == 0) {
            return sign + "0x0.0p+0";
        }
        long bits = Double.doubleToLongBits(Math.abs(value));
        long exponent = (bits >>> 52) - 1023;
        boolean small = bits >>> 52 == 0;
        return sign + String.format("0x%d.%013xp%+d", small ? 0 : 1, bits & (1L << 52) - 1,
                small ? -1022 : exponent);
    }
}
