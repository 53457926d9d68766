package dev.lockstep.jinja.python;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** What Python's {@code + - * / // % **} mean. */
public final class Arithmetic {
    /** More than can be printed. */
    private static final int MOST_BITS = 20_000;

    private Arithmetic() {}

    /**
     * {@code a operator b}.
     *
     * @param operator one of {@code + - * / // % **}
     * @throws TemplateException when the types do not go together, or the result is too large
     */
    public static Object apply(String operator, @Nullable Object a, @Nullable Object b, Rendering r) {
        r.step();
        if (a instanceof Long x && b instanceof Long y && operator.equals("+")) {
            long sum = x + y;
            return ((x ^ sum) & (y ^ sum)) < 0 ? (Object) BigInteger.valueOf(x).add(BigInteger.valueOf(y)) : sum;
        }
        if (Values.isNumber(a) && Values.isNumber(b)) {
            boolean reals = a instanceof Double || b instanceof Double || operator.equals("**")
                    && Numbers.whole(b).signum() < 0;
            return reals
                    ? reals(operator, Numbers.real(a), Numbers.real(b))
                    : wholes(operator, Numbers.whole(a), Numbers.whole(b), r);
        }
        if (operator.equals("%") && Values.isText(a)) {
            return Values.like(a, PercentFormat.apply(a, b, r));
        }
        Values.defined(a);
        Values.defined(b);
        if (operator.equals("+") && Values.isText(a) && Values.isText(b)) {
            boolean html = a instanceof Markup || b instanceof Markup;
            String left = Markup.beside(a, html, r);
            String right = Markup.beside(b, html, r);
            r.characters((long) left.length() + right.length());
            return html ? new Markup(left + right) : left + right;
        }
        if (operator.equals("+") && a instanceof List<?> x && b instanceof List<?> y && !(a instanceof Range)
                && Values.type(a).equals(Values.type(b))) {
            r.items((long) x.size() + y.size());
            List<Object> both = new ArrayList<>(x.size() + y.size());
            both.addAll(x);
            both.addAll(y);
            return a instanceof Tuple ? Tuple.of(both) : both;
        }
        if (operator.equals("*") && (isSequence(a) || isSequence(b))) {
            return repeat(isSequence(a) ? a : b, isSequence(a) ? b : a, r);
        }
        throw new TemplateException(wrong(operator, a, b));
    }

    private static boolean isSequence(@Nullable Object value) {
        return Values.isText(value) || value instanceof List && !(value instanceof Range);
    }

    private static String wrong(String operator, @Nullable Object a, @Nullable Object b) {
        String type = Values.type(a);
        if (operator.equals("+") && isSequence(a)) {
            String name = a instanceof Markup ? "str" : type;
            return "can only concatenate " + name + " (not \"" + Values.type(b) + "\") to " + name;
        }
        String name = operator.equals("**") ? "** or pow()" : operator;
        return "unsupported operand type(s) for " + name + ": '" + type + "' and '" + Values.type(b) + "'";
    }

    private static Object repeat(@Nullable Object sequence, @Nullable Object times, Rendering r) {
        if (!(times instanceof Long || times instanceof Boolean || times instanceof BigInteger)) {
            throw new TemplateException(
                    "can't multiply sequence by non-int of type '" + Values.type(times) + "'");
        }
        long count = Math.min(Math.max(0, Values.requireInteger(times)), Integer.MAX_VALUE);
        String text = Values.text(sequence);
        if (text != null) {
            r.characters(text.length() * count);
            return Values.like(sequence, text.repeat(text.isEmpty() ? 0 : (int) count));
        }
        List<?> list = Objects.requireNonNull((List<?>) sequence); // the other sequence is text
        r.items(list.size() * count);
        List<Object> all = new ArrayList<>();
        for (long i = list.isEmpty() ? 0 : count; i > 0; i--) {
            all.addAll(list);
        }
        return sequence instanceof Tuple ? Tuple.of(all) : all;
    }

    /** {@code -value}. */
    public static Object negative(@Nullable Object value, Rendering r) {
        if (!Values.isNumber(Values.defined(value))) {
            throw new TemplateException("bad operand type for unary -: '" + Values.type(value) + "'");
        }
        return value instanceof Double number ? (Object) (-number) : apply("-", 0L, value, r);
    }

    /** {@code +value}. */
    public static @Nullable Object positive(@Nullable Object value, Rendering r) {
        if (!Values.isNumber(Values.defined(value))) {
            throw new TemplateException("bad operand type for unary +: '" + Values.type(value) + "'");
        }
        return value instanceof Boolean flag ? (flag ? 1L : 0L) : value;
    }

    private static Object reals(String operator, double a, double b) {
        if (b == 0 && operator.matches("/|//|%")) {
            throw new TemplateException(operator.equals("/")
                    ? "float division by zero"
                    : operator.equals("%") ? "float modulo" : "float floor division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> floorDivision(a, b);
            case "%" -> modulo(a, b);
            default -> power(a, b);
        };
    }

    private static double modulo(double a, double b) {
        double rest = a % b;
        if (rest == 0) {
            return Math.copySign(0.0, b);
        }
        return b < 0 != rest < 0 ? rest + b : rest;
    }

    private static double floorDivision(double a, double b) {
        double quotient = (a - modulo(a, b)) / b;
        if (quotient == 0) {
            return Math.copySign(0.0, a / b);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static double power(double a, double b) {
        if (a == 0 && b < 0) {
            throw new TemplateException("0.0 cannot be raised to a negative power");
        }
        if (a < 0 && !Double.isInfinite(a) && !Double.isInfinite(b) && b != Math.rint(b)) {
            throw new TemplateException("complex numbers are not supported");
        }
        if (a == 1 || b == 0) {
            return 1.0;
        }
        double power = a == -1 && Double.isInfinite(b) ? 1.0 : Math.pow(a, b);
        if (Double.isInfinite(power) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
            throw new TemplateException("(34, 'Numerical result out of range')");
        }
        return power;
    }

    private static Object wholes(String operator, BigInteger a, BigInteger b, Rendering r) {
        if (b.signum() == 0 && operator.matches("/|//|%")) {
            throw new TemplateException(operator.equals("/")
                    ? "division by zero"
                    : operator.equals("%") ? "integer modulo by zero" : "integer division or modulo by zero");
        }
        r.steps((long) a.bitLength() * b.bitLength() / 16_384);
        return switch (operator) {
            case "+" -> Numbers.narrow(a.add(b));
            case "-" -> Numbers.narrow(a.subtract(b));
            case "*" -> Numbers.narrow(bounded(a, (long) a.bitLength() + b.bitLength()).multiply(b));
            case "/" -> quotient(a, b);
            case "//" -> Numbers.narrow(a.subtract(floorMod(a, b)).divide(b));
            case "%" -> Numbers.narrow(floorMod(a, b));
            default -> power(a, b, r);
        };
    }

    private static BigInteger bounded(BigInteger value, long bits) {
        if (bits > MOST_BITS) {
            throw new TemplateException("a number is too large: it has more than " + Numbers.MOST_DIGITS + " digits");
        }
        return value;
    }

    private static Object power(BigInteger a, BigInteger b, Rendering r) {
        if (a.abs().bitLength() <= 1) {
            return a.signum() >= 0 || b.testBit(0) ? Numbers.narrow(b.signum() == 0 ? BigInteger.ONE : a) : (Object) 1L;
        }
        long bits = b.bitLength() > 31 ? Long.MAX_VALUE : (a.abs().bitLength() - 1L) * b.intValueExact();
        r.steps(100 + Math.min(bits, MOST_BITS) * Math.min(bits, MOST_BITS) / 16_384);
        return Numbers.narrow(bounded(a, bits).pow(b.intValueExact()));
    }

    private static double quotient(BigInteger a, BigInteger b) {
        if (a.bitLength() < 54 && b.bitLength() < 54) {
            return a.doubleValue() / b.doubleValue();
        }
        double quotient = new BigDecimal(a).divide(new BigDecimal(b), new MathContext(60)).doubleValue();
        if (Double.isInfinite(quotient)) {
            throw new TemplateException("integer division result too large for a float");
        }
        return quotient;
    }

    private static BigInteger floorMod(BigInteger a, BigInteger b) {
        BigInteger rest = a.mod(b.abs());
        return b.signum() < 0 && rest.signum() > 0 ? rest.add(b) : rest;
    }
}
