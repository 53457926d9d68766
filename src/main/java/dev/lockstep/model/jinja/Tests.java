package dev.lockstep.model.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/** Jinja's tests, what stands after {@code is}. */
final class Tests {
    interface Test {
        boolean holds(Object value, Arguments arguments);
    }

    private Tests() {}

    /** Null where there is no such test. */
    static Test named(String name) {
        return switch (name) {
            case "defined" -> (value, a) -> !(value instanceof Undefined);
            case "undefined" -> (value, a) -> value instanceof Undefined;
            case "none" -> (value, a) -> value == null;
            case "boolean" -> (value, a) -> value instanceof Boolean;
            case "true" -> (value, a) -> Boolean.TRUE.equals(value);
            case "false" -> (value, a) -> Boolean.FALSE.equals(value);
            case "integer" -> (value, a) -> value instanceof Long || value instanceof BigInteger;
            case "float" -> (value, a) -> value instanceof Double;
            case "number" -> (value, a) -> Values.isNumber(value);
            case "string" -> (value, a) -> value instanceof String;
            case "mapping" -> (value, a) -> value instanceof Map;
            // an undefined value has a length and can be gone through, so Python takes it for both
            case "sequence", "iterable" -> (value, a) -> value instanceof String || value instanceof List
                    || value instanceof Map || value instanceof Undefined;
            case "callable" -> (value, a) -> value instanceof Function;
            case "sameas" -> (value, a) -> value == a.require(0, "other")
                    || value instanceof Boolean && value.equals(a.require(0, "other"));
            case "eq", "equalto", "==" -> (value, a) -> Values.equal(value, a.require(0, "other"));
            case "ne", "!=" -> (value, a) -> !Values.equal(value, a.require(0, "other"));
            case "lt", "lessthan", "<" -> (value, a) -> Values.compare(value, a.require(0, "other"), "<") < 0;
            case "le", "<=" -> (value, a) -> Values.compare(value, a.require(0, "other"), "<=") <= 0;
            case "gt", "greaterthan", ">" -> (value, a) -> Values.compare(value, a.require(0, "other"), ">") > 0;
            case "ge", ">=" -> (value, a) -> Values.compare(value, a.require(0, "other"), ">=") >= 0;
            case "in" -> (value, a) -> Values.contains(a.require(0, "seq"), value);
            case "odd" -> (value, a) -> Values.equal(Values.arithmetic("%", value, 2L), 1L);
            case "even" -> (value, a) -> Values.equal(Values.arithmetic("%", value, 2L), 0L);
            case "divisibleby" -> (value, a) -> Values.equal(Values.arithmetic("%", value, a.require(0, "num")), 0L);
            case "lower" -> (value, a) -> Methods.isLower(Text.str(value));
            case "upper" -> (value, a) -> Methods.isUpper(Text.str(value));
            default -> null;
        };
    }
}
