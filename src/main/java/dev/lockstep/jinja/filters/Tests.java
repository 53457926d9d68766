package dev.lockstep.jinja.filters;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.Arithmetic;
import dev.lockstep.jinja.python.Comparisons;
import dev.lockstep.jinja.python.StringPredicates;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.DictView;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;

/** Jinja's tests, what stands after {@code is}. */
public final class Tests {
    /** One test; its arguments are what stands behind its name. */
    public interface Test {
        boolean holds(@Nullable Object value, Arguments arguments);
    }

    private Tests() {}

    /** Null where there is no such test. */
    public static @Nullable Test named(String name) {
        return switch (name) {
            case "defined" -> of(name, "", (value, a) -> !(value instanceof Undefined));
            case "undefined" -> of(name, "", (value, a) -> value instanceof Undefined);
            case "none" -> of(name, "", (value, a) -> value == null);
            case "boolean" -> of(name, "", (value, a) -> value instanceof Boolean);
            case "true" -> of(name, "", (value, a) -> Boolean.TRUE.equals(value));
            case "false" -> of(name, "", (value, a) -> Boolean.FALSE.equals(value));
            case "integer" -> of(name, "", (value, a) -> value instanceof Long || value instanceof BigInteger);
            case "float" -> of(name, "", (value, a) -> value instanceof Double);
            case "number" -> of(name, "", (value, a) -> Values.isNumber(value));
            case "string" -> of(name, "", (value, a) -> Values.isText(value));
            case "mapping" -> of(name, "", (value, a) -> value instanceof Map);
            // an undefined value has a length and can be gone through, so Python takes it for both
            case "sequence" -> of(name, "", (value, a) -> Values.hasLength(value) && !(value instanceof DictView));
            case "iterable" -> of(name, "", (value, a) -> Values.isIterable(value));
            case "callable" -> of(name, "", (value, a) -> value instanceof Function || value instanceof Undefined);
            case "escaped" -> of(name, "", (value, a) -> value instanceof Markup);
            case "filter" -> of(name, "", (value, a) -> DictKeys.hashable(value)
                    && Filters.named(String.valueOf(Values.text(value))) != null);
            case "test" -> of(name, "", (value, a) -> DictKeys.hashable(value)
                    && Tests.named(String.valueOf(Values.text(value))) != null);
            case "sameas" -> of(name, "other", (value, a) -> same(value, a.require("other")));
            case "eq", "equalto", "==" -> of(name, "other", (value, a) -> Comparisons.equal(value, a.require("other"),
                    a.rendering()));
            case "ne", "!=" -> of(name, "other", (value, a) -> !Comparisons.equal(value, a.require("other"),
                    a.rendering()));
            case "lt", "lessthan", "<" -> ordered(name, "<");
            case "le", "<=" -> ordered(name, "<=");
            case "gt", "greaterthan", ">" -> ordered(name, ">");
            case "ge", ">=" -> ordered(name, ">=");
            case "in" -> of(name, "seq", (value, a) -> Comparisons.contains(a.require("seq"), value, a.rendering()));
            case "odd" -> of(name, "", (value, a) -> leaves(value, 2L, 1L, a));
            case "even" -> of(name, "", (value, a) -> leaves(value, 2L, 0L, a));
            case "divisibleby" -> of(name, "num", (value, a) -> leaves(value, a.require("num"), 0L, a));
            case "lower" -> of(name, "", (value, a) -> StringPredicates.isLower(Repr.str(value, a.rendering())));
            case "upper" -> of(name, "", (value, a) -> StringPredicates.isUpper(Repr.str(value, a.rendering())));
            default -> null;
        };
    }

    private static Test of(String name, String signature, Test test) {
        return (value, a) -> {
            String text = Values.text(value);
            if (text != null) {
                a.rendering().reads(text);
            }
            return test.holds(value, a.as(name, signature));
        };
    }

    private static Test ordered(String name, String operator) {
        return of(name, "other", (value, a) -> Comparisons.holds(operator, value, a.require("other"), a.rendering()));
    }

    private static boolean leaves(@Nullable Object value, @Nullable Object by, @Nullable Object rest, Arguments a) {
        return Comparisons.equal(Arithmetic.apply("%", value, by, a.rendering()), rest, a.rendering());
    }

    /** Python has one object for each of true, false, the numbers from -5 to 256, and the empty tuple. */
    private static boolean same(@Nullable Object a, @Nullable Object b) {
        return a == b || a instanceof Boolean && a.equals(b)
                || a instanceof Long number && number >= -5 && number <= 256 && a.equals(b)
                || a instanceof String && a.equals(b)
                || a instanceof Tuple && b instanceof Tuple && ((List<?>) a).isEmpty() && ((List<?>) b).isEmpty();
    }
}
