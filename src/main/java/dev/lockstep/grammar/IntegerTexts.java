package dev.lockstep.grammar;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/** Integers in decimal, without leading zeros. */
final class IntegerTexts {
    private IntegerTexts() {}

    /** Those from one to another, both included. */
    static Automaton between(BigInteger from, BigInteger to) {
        List<Automaton> ways = new ArrayList<>();
        BigInteger one = BigInteger.ONE;
        if (from.signum() < 0) {
            BigInteger last = to.min(one.negate());
            ways.add(Operations.concatenate(Automata.makeChar('-'), natural(last.negate(), from.negate())));
        }
        if (to.signum() >= 0) {
            ways.add(natural(from.max(BigInteger.ZERO), to));
        }
        return Operations.union(ways);
    }

    /** By the number of digits. */
    private static Automaton natural(BigInteger from, BigInteger to) {
        List<Automaton> ways = new ArrayList<>();
        int most = to.toString().length();
        for (int digits = from.toString().length(); digits <= most; digits++) {
            BigInteger first = digits == 1 ? BigInteger.ZERO : BigInteger.TEN.pow(digits - 1);
            BigInteger last = BigInteger.TEN.pow(digits).subtract(BigInteger.ONE);
            ways.add(digits(from.max(first).toString(), to.min(last).toString()));
        }
        return Operations.union(ways);
    }

    /** From one text of digits to another of the same length. */
    private static Automaton digits(String from, String to) {
        int length = from.length();
        if (from.equals("0".repeat(length)) && to.equals("9".repeat(length))) {
            return Operations.repeat(Automata.makeCharRange('0', '9'), length, length);
        }
        String restFrom = from.substring(1);
        String restTo = to.substring(1);
        char first = from.charAt(0);
        char last = to.charAt(0);
        if (first == last) {
            return Operations.concatenate(Automata.makeChar(first), digits(restFrom, restTo));
        }
        int rest = restFrom.length();
        List<Automaton> ways = new ArrayList<>();
        ways.add(Operations.concatenate(Automata.makeChar(first), digits(restFrom, "9".repeat(rest))));
        if (last - first > 1) {
            ways.add(Operations.concatenate(Automata.makeCharRange(first + 1, last - 1), digits("0".repeat(rest),
                    "9".repeat(rest))));
        }
        ways.add(Operations.concatenate(Automata.makeChar(last), digits("0".repeat(rest), restTo)));
        return Operations.union(ways);
    }
}
