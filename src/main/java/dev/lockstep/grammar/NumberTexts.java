package dev.lockstep.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.jspecify.annotations.Nullable;

/** The texts of numbers between two, without an exponent: a whole number and perhaps a fraction. */
final class NumberTexts {
    /** Digits of a fraction. */
    private static final int MOST_DIGITS = 17;
    private static final BigInteger MOST = BigInteger.TEN.pow(JsonTexts.MOST_DIGITS).subtract(BigInteger.ONE);
    private static final Automaton ANY = Regex.whole("(\\.\\d{1," + MOST_DIGITS + "})?");

    private NumberTexts() {}

    /**
     * An end of a range.
     *
     * @param included whether the number itself is in it
     */
    record Bound(BigDecimal number, boolean included) {
        private Bound negated() {
            return new Bound(number.negate(), included);
        }
    }

    /** Of numbers between these, null for none on that side; of no text where there is no number. */
    static Automaton between(@Nullable Bound low, @Nullable Bound high) {
        Bound zero = new Bound(BigDecimal.ZERO, true);
        List<Automaton> ways = new ArrayList<>();
        if (high == null || high.number.signum() >= 0) {
            ways.add(positive(low == null || low.number.signum() < 0 ? zero : low, high));
        }
        if (low == null || low.number.signum() < 0) {
            // zero has no sign here
            Bound least = high == null || high.number.signum() >= 0
                    ? new Bound(BigDecimal.ZERO, false)
                    : high.negated();
            ways.add(Operations.concatenate(Automata.makeChar('-'),
                    positive(least, low == null ? null : low.negated())));
        }
        return TextAutomaton.least(Operations.union(ways));
    }

    /** @param low 0 or more */
    private static Automaton positive(Bound low, @Nullable Bound high) {
        BigDecimal from = low.number.setScale(MOST_DIGITS, RoundingMode.CEILING);
        boolean fromIt = low.included || from.compareTo(low.number) > 0;
        BigDecimal to = high == null
                ? new BigDecimal(MOST).add(BigDecimal.ONE)
                : high.number.setScale(MOST_DIGITS, RoundingMode.FLOOR);
        boolean toIt = high != null && (high.included || to.compareTo(high.number) < 0);
        BigInteger first = from.toBigInteger();
        BigInteger last = to.toBigInteger();
        Automaton above = Operations.concatenate(whole(first), atLeast(digits(from), fromIt));
        Automaton below = Operations.concatenate(whole(last), atMost(digits(to), toIt));
        int order = first.compareTo(last);
        if (order >= 0) {
            return order > 0 ? Automata.makeEmpty() : Operations.intersection(above, below);
        }
        List<Automaton> ways = new ArrayList<>(List.of(above, below));
        BigInteger next = first.add(BigInteger.ONE);
        BigInteger before = last.subtract(BigInteger.ONE).min(MOST);
        if (next.compareTo(before) <= 0) {
            ways.add(Operations.concatenate(IntegerTexts.between(next, before), ANY));
        }
        return Operations.union(ways);
    }

    private static Automaton whole(BigInteger number) {
        return number.compareTo(MOST) > 0 ? Automata.makeEmpty() : Automata.makeString(number.toString());
    }

    /** Of a number's fraction, the last of which is not 0. */
    private static String digits(BigDecimal number) {
        return number.remainder(BigDecimal.ONE).movePointRight(MOST_DIGITS).toBigInteger().add(
                BigInteger.TEN.pow(MOST_DIGITS)).toString().substring(1).replaceAll("0+$", "");
    }

    /** Fractions that are at least this one, or above it. */
    private static Automaton atLeast(String digits, boolean included) {
        List<Automaton> ways = new ArrayList<>();
        for (int i = 0; i < digits.length(); i++) {
            if (digits.charAt(i) < '9') {
                ways.add(Regex.whole("\\." + digits.substring(0, i) + "[" + (char) (digits.charAt(i) + 1) + "-9]\\d{0,"
                        + (MOST_DIGITS - 1 - i) + "}"));
            }
        }
        int more = MOST_DIGITS - digits.length();
        Automaton longer = Regex.whole("\\." + digits + "\\d{" + (digits.isEmpty() ? 1 : 0) + "," + more + "}");
        if (!included) {
            longer = Operations.minus(longer, Regex.whole("\\." + digits + "0*"),
                    Operations.DEFAULT_DETERMINIZE_WORK_LIMIT);
        }
        ways.add(longer);
        if (digits.isEmpty() && included) {
            ways.add(Automata.makeEmptyString());
        }
        return Operations.union(ways);
    }

    /** Fractions that are at most this one, or below it. */
    private static Automaton atMost(String digits, boolean included) {
        return Operations.minus(ANY, TextAutomaton.least(atLeast(digits, !included)),
                Operations.DEFAULT_DETERMINIZE_WORK_LIMIT);
    }
}
