package dev.lockstep.grammar;

import java.util.ArrayList;
import java.util.List;

import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.jspecify.annotations.Nullable;

/**
 * Regular expressions in what Python's, JavaScript's and Java's have in common and automata can do: literals, {@code .},
 * classes, {@code \d \w \s} of ASCII and what these are not, groups, {@code |}, greedy and lazy repetition, which fit the same
 * texts, and {@code ^} and {@code $} at the ends. What looks around, back or at words' ends is refused.
 */
final class Regex {
    private static final int LAST = Character.MAX_CODE_POINT;
    private static final int MOST_TIMES = 10_000;

    /** One way of a whole expression. */
    private record Alternative(Automaton texts, boolean fromStart, boolean toEnd) {}

    private final int[] source;
    private int at;

    private Regex(String source) {
        this.source = source.codePoints().toArray();
    }

    /** The texts that an expression fits as a whole. */
    static Automaton whole(String source) {
        return Operations.union(new Regex(source).parse().stream().map(Alternative::texts).toList());
    }

    /** The texts that an expression fits somewhere. */
    static Automaton somewhere(String source) {
        Automaton any = Operations.repeat(without(List.of()));
        return Operations.union(new Regex(source).parse().stream().map(one -> Operations.concatenate(List.of(
                one.fromStart ? Automata.makeEmptyString() : any, one.texts,
                one.toEnd ? Automata.makeEmptyString() : any))).toList());
    }

    /** All characters but those in some ranges. */
    private static Automaton without(List<int[]> ranges) {
        return oneOf(complement(ranges));
    }

    /** The characters in some ranges, among which halves of surrogate pairs do not count. */
    private static Automaton oneOf(List<int[]> ranges) {
        List<int[]> others = complement(ranges);
        others.add(new int[]{Character.MIN_SURROGATE, Character.MAX_SURROGATE});
        Automaton one = new Automaton();
        int before = one.createState();
        int after = one.createState();
        one.setAccept(after, true);
        complement(others).forEach(range -> one.addTransition(before, after, range[0], range[1]));
        one.finishState();
        return one;
    }

    private static List<int[]> complement(List<int[]> ranges) {
        List<int[]> sorted = ranges.stream().sorted((a, b) -> Integer.compare(a[0], b[0])).toList();
        List<int[]> left = new ArrayList<>();
        int next = 0;
        for (int[] range : sorted) {
            if (range[0] > next) {
                left.add(new int[]{next, range[0] - 1});
            }
            next = Math.max(next, range[1] + 1);
        }
        if (next <= LAST) {
            left.add(new int[]{next, LAST});
        }
        return left;
    }

    private List<Alternative> parse() {
        List<Alternative> alternatives = new ArrayList<>();
        do {
            boolean fromStart = take('^');
            Automaton texts = sequence();
            alternatives.add(new Alternative(texts, fromStart, take('$')));
        } while (take('|'));
        if (at < source.length) {
            throw wrong(peek() == ')' ? "a ) that closes nothing" : "a $ that is not at an end");
        }
        return alternatives;
    }

    private Automaton alternation() {
        List<Automaton> alternatives = new ArrayList<>();
        do {
            alternatives.add(sequence());
        } while (take('|'));
        return Operations.union(alternatives);
    }

    private Automaton sequence() {
        List<Automaton> parts = new ArrayList<>();
        while (at < source.length && "|)$".indexOf(peek()) < 0) {
            parts.add(repetition(atom()));
        }
        return parts.isEmpty() ? Automata.makeEmptyString() : Operations.concatenate(parts);
    }

    private Automaton repetition(Automaton atom) {
        Automaton repeated = atom;
        if (take('*')) {
            repeated = Operations.repeat(atom);
        } else if (take('+')) {
            repeated = Operations.repeat(atom, 1);
        } else if (take('?')) {
            repeated = Operations.optional(atom);
        } else if (at < source.length && peek() == '{') {
            repeated = counted(atom);
        } else {
            return atom;
        }
        if (at < source.length && "*+{".indexOf(peek()) >= 0) {
            throw wrong("a repetition of a repetition");
        }
        take('?'); // of the same texts it would take the shortest
        return repeated;
    }

    private Automaton counted(Automaton atom) {
        at++;
        int least = number();
        if (take('}')) {
            return Operations.repeat(atom, least, least);
        }
        expect(',');
        if (take('}')) {
            return Operations.repeat(atom, least);
        }
        int most = number();
        expect('}');
        if (most < least) {
            throw wrong("{" + least + "," + most + "}");
        }
        return Operations.repeat(atom, least, most);
    }

    private int number() {
        int start = at;
        int number = 0;
        while (at < source.length && peek() >= '0' && peek() <= '9') {
            number = Math.min(MOST_TIMES + 1, 10 * number + source[at++] - '0');
        }
        if (start == at || number > MOST_TIMES) {
            throw wrong("a { that no number up to " + MOST_TIMES + " follows; write \\{ for the character");
        }
        return number;
    }

    private Automaton atom() {
        int next = source[at++];
        return switch (next) {
            case '(' -> group();
            case '[' -> bracket();
            case '.' -> without(List.of(new int[]{'\n', '\n'}));
            case '\\' -> escaped();
            case '^' -> throw wrong("a ^ that is not at an end");
            case '*', '+', '?' -> throw wrong("a " + text(next) + " that repeats nothing");
            case '{' -> throw wrong("a { that repeats nothing; write \\{ for the character");
            default -> character(next);
        };
    }

    private static Automaton character(int codePoint) {
        if (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE) {
            throw new GrammarException("has half of a surrogate pair, which is no character");
        }
        return Automata.makeChar(codePoint);
    }

    private Automaton group() {
        if (take('?') && !take(':')) {
            if (!take('P') || !take('<')) {
                throw wrong("(?, which begins what is not supported but for (?: and (?P<name>");
            }
            while (at < source.length && peek() != '>') {
                at++;
            }
            expect('>');
        }
        Automaton inside = alternation();
        if (at < source.length && peek() == '$') {
            throw wrong("a $ that is not at an end");
        }
        expect(')');
        return inside;
    }

    /** A character, or a class of them, after a backslash. */
    private Automaton escaped() {
        List<int[]> named = named();
        return named == null ? character(escapedCharacter()) : oneOf(named);
    }

    /** The ranges of a class that a letter names; null where it names none. */
    private @Nullable List<int[]> named() {
        List<int[]> ranges = switch (at < source.length ? source[at] : 0) {
            case 'd', 'D' -> List.of(new int[]{'0', '9'});
            case 'w', 'W' -> List.of(new int[]{'0', '9'}, new int[]{'A', 'Z'}, new int[]{'_', '_'},
                    new int[]{'a', 'z'});
            case 's', 'S' -> List.of(new int[]{'\t', '\r'}, new int[]{' ', ' '});
            default -> null;
        };
        if (ranges == null) {
            return null;
        }
        return Character.isUpperCase(source[at++]) ? complement(ranges) : ranges;
    }

    private int escapedCharacter() {
        if (at == source.length) {
            throw wrong("a \\ at the end");
        }
        int next = source[at++];
        return switch (next) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'f' -> '\f';
            case 'v' -> 0x0b;
            case 'x' -> hexadecimal(2);
            case 'u' -> hexadecimal(4);
            default -> {
                if (Character.isLetterOrDigit(next)) {
                    throw wrong("\\" + text(next) + ", which is not supported");
                }
                yield next;
            }
        };
    }

    private int hexadecimal(int digits) {
        int value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = at < source.length ? Character.digit(source[at++], 16) : -1;
            if (digit < 0) {
                throw wrong("an escape that has not " + digits + " hexadecimal digits");
            }
            value = 16 * value + digit;
        }
        return value;
    }

    private Automaton bracket() {
        boolean others = take('^');
        List<int[]> ranges = new ArrayList<>();
        boolean first = true;
        while (at < source.length && (first || peek() != ']')) {
            first = false;
            if (peek() == '[' || peek() == '&' && at + 1 < source.length && source[at + 1] == '&') {
                throw wrong("a set in a class; write \\" + text(peek()) + " for the character");
            }
            int before = at;
            List<int[]> named = take('\\') ? named() : null;
            if (named != null) {
                ranges.addAll(named);
                continue;
            }
            at = before;
            int from = bracketCharacter();
            int to = from;
            if (at + 1 < source.length && peek() == '-' && source[at + 1] != ']') {
                at++;
                to = bracketCharacter();
            }
            if (to < from) {
                throw wrong("a range that ends before it begins");
            }
            ranges.add(new int[]{from, to});
        }
        expect(']');
        return others ? without(ranges) : oneOf(ranges);
    }

    private int bracketCharacter() {
        return take('\\') ? escapedCharacter() : source[at++];
    }

    private int peek() {
        return source[at];
    }

    private boolean take(int wanted) {
        if (at < source.length && source[at] == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(int wanted) {
        if (!take(wanted)) {
            throw wrong("no " + text(wanted) + " where one has to be");
        }
    }

    private static String text(int codePoint) {
        return Character.toString(codePoint);
    }

    private GrammarException wrong(String what) {
        return new GrammarException("has " + what + " (character " + at + ")");
    }
}
