package dev.lockstep.jinja.python;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/**
 * How a value is to look, in the words of Python's {@code format}.
 *
 * @param fill      one character
 * @param align     {@code < > ^ =}, or 0 where none is given
 * @param sign      {@code + -} or a space
 * @param alternate whether {@code #} is given
 * @param width     in characters, 0 for none
 * @param grouping  between thousands, or 0
 * @param precision -1 where none is given
 * @param type      its letter, or 0
 */
public record FormatSpec(String fill, char align, char sign, boolean alternate, long width, char grouping,
        long precision,
        char type) {
    /**
     * @param spec what stands behind the colon in {@code {:>8.3f}}
     * @throws TemplateException when it is none
     */
    public static FormatSpec parse(String spec) {
        int at = 0;
        String fill = " ";
        char align = 0;
        int first = spec.isEmpty() ? 0 : spec.offsetByCodePoints(0, 1);
        if (spec.length() > first && first > 0 && "<>^=".indexOf(spec.charAt(first)) >= 0) {
            fill = spec.substring(0, first);
            align = spec.charAt(first);
            at = first + 1;
        } else if (!spec.isEmpty() && "<>^=".indexOf(spec.charAt(0)) >= 0) {
            align = spec.charAt(0);
            at = 1;
        }
        char sign = at < spec.length() && "+- ".indexOf(spec.charAt(at)) >= 0 ? spec.charAt(at++) : '-';
        boolean alternate = spec.startsWith("#", at);
        at += alternate ? 1 : 0;
        if (spec.startsWith("0", at)) {
            fill = align == 0 ? "0" : fill;
            align = align == 0 ? '=' : align;
            at++;
        }
        int end = digits(spec, at);
        long width = number(spec.substring(at, end), 0);
        at = end;
        char grouping = at < spec.length() && ",_".indexOf(spec.charAt(at)) >= 0 ? spec.charAt(at++) : 0;
        long precision = -1;
        if (spec.startsWith(".", at)) {
            end = digits(spec, at + 1);
            if (end == at + 1) {
                throw new TemplateException("Format specifier missing precision");
            }
            precision = number(spec.substring(at + 1, end), 0);
            at = end;
        }
        char type = at < spec.length() ? spec.charAt(at++) : 0;
        if (at < spec.length()) {
            throw new TemplateException("Invalid format specifier '" + spec + "'");
        }
        return new FormatSpec(fill, align, sign, alternate, width, grouping, precision, type);
    }

    private static int digits(String text, int from) {
        int end = from;
        while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        return end;
    }

    static long number(String digits, long otherwise) {
        if (digits.length() > 9) {
            throw new TemplateException("Too many decimal digits in format string");
        }
        return digits.isEmpty() ? otherwise : Long.parseLong(digits);
    }

    /** The value as this says. */
    public String format(@Nullable Object value, Rendering r) {
        if (Values.isNumber(value)) {
            Numbers.charge(value, r);
        }
        boolean whole = value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
        if (whole && "eEfFgG%".indexOf(type) < 0) {
            return pad(integer(Numbers.whole(value)), '>', r);
        }
        if (Values.isNumber(value)) {
            return pad(real(Numbers.real(value), r), '>', r);
        }
        String text = Values.text(value);
        if (text == null) {
            throw new TemplateException("unsupported format string passed to " + Values.type(Values.defined(value))
                    + ".__format__");
        }
        if (type != 0 && type != 's') {
            throw unknown(value);
        }
        String shown = Repr.str(value, r);
        if (precision >= 0 && precision < shown.codePointCount(0, shown.length())) {
            shown = shown.substring(0, shown.offsetByCodePoints(0, (int) precision));
        }
        return pad(shown, '<', r);
    }

    private TemplateException unknown(@Nullable Object value) {
        return new TemplateException("Unknown format code '" + type + "' for object of type '" + Values.type(value)
                + "'");
    }

    private String pad(String text, char usual, Rendering r) {
        long missing = width - text.codePointCount(0, text.length());
        if (missing <= 0) {
            return text;
        }
        char side = align == 0 ? usual : align;
        if (side == '=') {
            int sign = text.startsWith("-") || text.startsWith("+") || text.startsWith(" ") ? 1 : 0;
            int prefix = alternate && "xXob".indexOf(type) >= 0 && type != 0 ? 2 : 0;
            return text.substring(0, sign + prefix) + Strings.repeated(fill, missing, r)
                    + text.substring(sign + prefix);
        }
        long left = side == '<' ? 0 : side == '>' ? missing : missing / 2;
        return Strings.repeated(fill, left, r) + text + Strings.repeated(fill, missing - left, r);
    }

    private String signed(boolean negative, String digits) {
        return (negative ? "-" : sign == '-' ? "" : String.valueOf(sign)) + digits;
    }

    private String integer(BigInteger value) {
        if (precision >= 0) {
            throw new TemplateException("Precision not allowed in integer format specifier");
        }
        String digits = switch (type) {
            case 0, 'd', 'n' -> Numbers.text(value.abs());
            case 'x' -> value.abs().toString(16);
            case 'X' -> value.abs().toString(16).toUpperCase(Locale.ROOT);
            case 'o' -> value.abs().toString(8);
            case 'b' -> value.abs().toString(2);
            case 'c' -> Numbers.character(value.bitLength() > 31 ? -1 : value.longValue());
            default -> throw unknown(0L);
        };
        String prefix = alternate && "xXob".indexOf(type) >= 0 && type != 0 ? "0" + type : "";
        return signed(value.signum() < 0, prefix + grouped(digits, type == 0 || type == 'd' ? 3 : 4));
    }

    private String grouped(String digits, int size) {
        if (grouping == 0) {
            return digits;
        }
        StringBuilder out = new StringBuilder(digits);
        for (int i = digits.length() - size; i > 0; i -= size) {
            out.insert(i, grouping);
        }
        return out.toString();
    }

    private String real(double value, Rendering r) {
        if (type != 0 && "eEfFgG%n".indexOf(type) < 0) {
            throw unknown(value);
        }
        boolean negative = value < 0 || value == 0 && 1 / value < 0;
        String digits;
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            digits = (Double.isNaN(value) ? "nan" : "inf") + (type == '%' ? "%" : "");
        } else {
            r.characters(Math.max(0, precision));
            digits = finite(new BigDecimal(Math.abs(value)), Math.abs(value));
            int point = digits.chars().allMatch(Character::isDigit) ? digits.length() : digits.indexOf('.');
            int end = point >= 0 ? point : Math.max(0, digits.indexOf('e'));
            digits = grouped(digits.substring(0, end), 3) + digits.substring(end);
        }
        return signed(negative, Character.isUpperCase(type) ? digits.toUpperCase(Locale.ROOT) : digits);
    }

    private String finite(BigDecimal value, double plain) {
        int places = (int) (precision < 0 ? 6 : precision);
        return switch (type) {
            case 'f', 'F' -> value.setScale(places, RoundingMode.HALF_EVEN).toPlainString();
            case '%' -> value.movePointRight(2).setScale(places, RoundingMode.HALF_EVEN).toPlainString() + "%";
            case 'e', 'E' -> scientific(value, places);
            case 'g', 'G', 'n' -> general(value, Math.max(1, places), -4);
            default -> precision < 0 ? Numbers.text(plain) : pointed(general(value, Math.max(1, places), -4));
        };
    }

    /** Without a type a float keeps a digit behind its point. */
    private static String pointed(String digits) {
        return digits.indexOf('.') >= 0 || digits.indexOf('e') >= 0 ? digits : digits + ".0";
    }

    private static String scientific(BigDecimal value, int places) {
        if (value.signum() == 0) {
            return "0" + (places > 0 ? "." + "0".repeat(places) : "") + "e+00";
        }
        BigDecimal rounded = value.round(new MathContext(places + 1, RoundingMode.HALF_EVEN));
        int exponent = rounded.precision() - rounded.scale() - 1;
        String mantissa = rounded.movePointLeft(exponent).setScale(places, RoundingMode.HALF_EVEN).toPlainString();
        return mantissa + Numbers.exponent(exponent);
    }

    private String general(BigDecimal value, int digits, int least) {
        BigDecimal rounded = value.round(new MathContext(digits, RoundingMode.HALF_EVEN));
        int exponent = value.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
        int most = type == 0 && precision >= 0 ? digits - 1 : digits;
        boolean fixed = exponent >= least && (exponent < most || type != 0 && exponent < digits);
        if (!fixed) {
            String text = scientific(value, digits - 1);
            int e = text.indexOf('e');
            return alternate ? text : trimmed(text.substring(0, e)) + text.substring(e);
        }
        String text = rounded.setScale(Math.max(0, digits - 1 - exponent), RoundingMode.HALF_EVEN).toPlainString();
        return alternate ? text : trimmed(text);
    }

    private static String trimmed(String digits) {
        if (digits.indexOf('.') < 0) {
            return digits;
        }
        String text = Strings.strip(digits, "0", false, true);
        return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
    }
}
