package dev.lockstep.jinja.python.values;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Python's numbers from and to text, and compared. */
public final class Numbers {
    /** What Python allows in the text of an integer. */
    public static final int MOST_DIGITS = 4300;

    private Numbers() {}

    /** An integer as a value: a Long where it fits into one. */
    public static Object narrow(BigInteger value) {
        return value.bitLength() < 64 ? (Object) value.longValue() : value;
    }

    /**
     * A number as a float.
     *
     * @throws TemplateException when it is none, or too large for one
     */
    public static double real(@Nullable Object number) {
        if (number instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        if (!(number instanceof Number known)) {
            throw new TemplateException("must be real number, not " + Values.type(number));
        }
        double value = known.doubleValue();
        if (number instanceof BigInteger && Double.isInfinite(value)) {
            throw new TemplateException("int too large to convert to float");
        }
        return value;
    }

    /**
     * An integer, true and false among them.
     *
     * @throws TemplateException when it is none
     */
    public static BigInteger whole(@Nullable Object number) {
        return number instanceof BigInteger big ? big : BigInteger.valueOf(Values.requireInteger(number));
    }

    /** Null where there is none, for infinity and what is no number. */
    static @Nullable BigDecimal exact(@Nullable Object number) {
        if (number instanceof Double value) {
            return value.isNaN() || value.isInfinite() ? null : new BigDecimal(value);
        }
        return new BigDecimal(whole(number));
    }

    /** Below, at or above 0 as a is to b; exact between integers and floats. */
    public static int compare(@Nullable Object a, @Nullable Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            return Long.compare(x, y);
        }
        BigDecimal x = exact(a);
        BigDecimal y = exact(b);
        if (x != null && y != null) {
            return x.compareTo(y);
        }
        double left = x == null ? real(a) : 0;
        double right = y == null ? real(b) : 0;
        return left < right ? -1 : left > right ? 1 : 0;
    }

    /** A float without what is behind its point. */
    public static Object truncated(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw new TemplateException("cannot convert float "
                    + (Double.isNaN(value) ? "NaN" : "infinity") + " to integer");
        }
        return narrow(new BigDecimal(value).toBigInteger());
    }

    /** An integer as Python writes it. */
    public static String text(BigInteger value) {
        if (value.bitLength() > 14_300 || value.abs().toString().length() > MOST_DIGITS) {
            throw new TemplateException("Exceeds the limit (4300 digits) for integer string conversion");
        }
        return value.toString();
    }

    /** A float as Python writes it: with the fewest digits that are read as the same number. */
    public static String text(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal decimal = shortest(value);
        int exponent = decimal.precision() - decimal.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = decimal.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        String digits = decimal.unscaledValue().abs().toString();
        return (value < 0 ? "-" : "") + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + exponent(exponent);
    }

    /** The exponent of a float as Python writes it, of two digits or more: {@code e-05}. */
    public static String exponent(int exponent) {
        int size = Math.abs(exponent);
        return "e" + (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + size;
    }

    /** Double.toString gives a digit too many for some numbers before Java 19. */
    private static BigDecimal shortest(double value) {
        BigDecimal exact = new BigDecimal(value);
        int most = new BigDecimal(Double.toString(value)).stripTrailingZeros().precision();
        for (int digits = Math.max(1, most - 2); digits < most; digits++) {
            BigDecimal rounded = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (rounded.doubleValue() == value) {
                return rounded.stripTrailingZeros();
            }
        }
        return exact.round(new MathContext(most, RoundingMode.HALF_EVEN)).stripTrailingZeros();
    }

    /** What it costs to write a number. */
    public static void charge(@Nullable Object number, Rendering r) {
        r.steps(number instanceof Double ? 50 : number instanceof BigInteger big ? big.bitLength() / 2 : 1);
    }

    /**
     * The character with this code point.
     *
     * @throws TemplateException when there is none
     */
    public static String character(long code) {
        if (code < 0 || code > Character.MAX_CODE_POINT) {
            throw new TemplateException("a character's number must be in range(0x110000)");
        }
        return Character.toString((int) code);
    }

    /** Python's {@code int(text, base)}, null where it is none. */
    public static @Nullable Object integer(String text, int base) {
        String digits = Strings.strip(text, null, true, true);
        boolean negative = digits.startsWith("-");
        int at = negative || digits.startsWith("+") ? 1 : 0;
        int radix = base;
        if (digits.length() > at + 1 && digits.charAt(at) == '0') {
            int named = switch (digits.charAt(at + 1)) {
                case 'x', 'X' -> 16;
                case 'o', 'O' -> 8;
                case 'b', 'B' -> 2;
                default -> 0;
            };
            if (named != 0 && (base == 0 || base == named)) {
                radix = named;
                at += digits.startsWith("_", at + 2) ? 3 : 2;
            }
        }
        boolean decimal = radix == 0;
        radix = decimal ? 10 : radix;
        StringBuilder plain = new StringBuilder();
        boolean separated = true;
        for (int i = at; i < digits.length(); i++) {
            char c = digits.charAt(i);
            if (c == '_' ? separated : Character.digit(c, radix) < 0) {
                return null;
            }
            separated = c == '_';
            if (!separated) {
                plain.append(Character.forDigit(Character.digit(c, radix), radix));
            }
        }
        boolean octalOfOld = decimal && plain.length() > 1 && plain.charAt(0) == '0' && !isZero(plain);
        if (separated || octalOfOld || plain.length() > MOST_DIGITS) {
            return null;
        }
        BigInteger value = new BigInteger(plain.toString(), radix);
        return narrow(negative ? value.negate() : value);
    }

    private static boolean isZero(CharSequence digits) {
        return digits.chars().allMatch(c -> c == '0');
    }

    /** Python's {@code float(text)}, null where it is none. */
    public static @Nullable Double real(String text) {
        String digits = Strings.strip(text, null, true, true).toLowerCase(java.util.Locale.ROOT);
        int at = digits.startsWith("-") || digits.startsWith("+") ? 1 : 0;
        double sign = digits.startsWith("-") ? -1 : 1;
        String name = digits.substring(at);
        if (name.equals("inf") || name.equals("infinity")) {
            return sign * Double.POSITIVE_INFINITY;
        }
        if (name.equals("nan")) {
            return Double.NaN;
        }
        StringBuilder plain = new StringBuilder();
        boolean digit = false;
        boolean point = false;
        boolean exponent = false;
        boolean any = false;
        for (int i = at; i < digits.length(); i++) {
            char c = digits.charAt(i);
            char before = i > at ? digits.charAt(i - 1) : ' ';
            if (Character.isDigit(c)) {
                any |= !exponent;
                digit = true;
                plain.append(Character.digit(c, 10));
                continue;
            }
            boolean next = i + 1 < digits.length() && Character.isDigit(digits.charAt(i + 1));
            if (c == '_' && Character.isDigit(before) && next) {
                continue;
            }
            boolean fits = c == '.' && !point && !exponent || c == 'e' && !exponent && any
                    || (c == '-' || c == '+') && before == 'e';
            if (!fits) {
                return null;
            }
            point |= c == '.';
            exponent |= c == 'e';
            digit &= c == '.';
            plain.append(c);
        }
        return any && (digit || !exponent) ? (Double) (sign * Double.parseDouble(plain.toString())) : null;
    }
}
