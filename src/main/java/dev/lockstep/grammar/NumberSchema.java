package dev.lockstep.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.jspecify.annotations.Nullable;

/** What schemas say of numbers, and the texts of those that they accept. */
final class NumberSchema {
    private static final BigInteger MOST = BigInteger.TEN.pow(JsonTexts.MOST_DIGITS).subtract(BigInteger.ONE);

    private NumberSchema() {}

    static Automaton number(JsonNode schema, String at) {
        NumberTexts.Bound low = end(schema, "minimum", "exclusiveMinimum", at, 1);
        NumberTexts.Bound high = end(schema, "maximum", "exclusiveMaximum", at, -1);
        if (low == null && high == null) {
            return JsonTexts.NUMBER;
        }
        Automaton texts = NumberTexts.between(low, high);
        if (Operations.isEmpty(texts)) {
            throw JsonSchema.wrong(at, "accepts no number");
        }
        return texts;
    }

    /** Of the two forms of an end the narrower one; null where there is none. */
    private static NumberTexts.@Nullable Bound end(JsonNode schema, String keyword, String exclusive, String at,
            int inwards) {
        NumberTexts.Bound end = null;
        for (String one : List.of(keyword, exclusive)) {
            JsonNode value = schema.path(one);
            if (value.isMissingNode()) {
                continue;
            }
            BigDecimal exact = exact(value, one, at);
            int order = end == null ? 1 : inwards * exact.compareTo(end.number());
            if (order > 0 || order == 0 && one.equals(exclusive)) {
                end = new NumberTexts.Bound(exact, one.equals(keyword));
            }
        }
        return end;
    }

    private static BigDecimal exact(JsonNode value, String keyword, String at) {
        if (!value.isNumber()) {
            throw JsonSchema.wrong(at, "has " + keyword + " " + value + ", which is no number");
        }
        return value.decimalValue();
    }

    static Automaton integer(JsonNode schema, String at) {
        BigInteger least = bound(schema, "minimum", "exclusiveMinimum", at, RoundingMode.CEILING, 1);
        BigInteger most = bound(schema, "maximum", "exclusiveMaximum", at, RoundingMode.FLOOR, -1);
        if (least == null && most == null) {
            return JsonTexts.INTEGER;
        }
        BigInteger from = least == null ? MOST.negate() : least.max(MOST.negate());
        BigInteger to = most == null ? MOST : most.min(MOST);
        if (from.compareTo(to) > 0) {
            throw JsonSchema.wrong(at, "accepts no integer");
        }
        return IntegerTexts.between(from, to);
    }

    /** Of the two forms of a bound the one that is there, the narrower one if both are; null where there is none. */
    private static @Nullable BigInteger bound(JsonNode schema, String keyword, String exclusive, String at,
            RoundingMode rounding, int inwards) {
        BigInteger bound = null;
        for (String one : List.of(keyword, exclusive)) {
            JsonNode value = schema.path(one);
            if (value.isMissingNode()) {
                continue;
            }
            BigDecimal exact = exact(value, one, at);
            BigInteger next = exact.setScale(0, rounding).toBigInteger();
            if (one.equals(exclusive) && exact.compareTo(new BigDecimal(next)) == 0) {
                next = next.add(BigInteger.valueOf(inwards));
            }
            bound = bound == null ? next : inwards > 0 ? bound.max(next) : bound.min(next);
        }
        return bound;
    }
}
