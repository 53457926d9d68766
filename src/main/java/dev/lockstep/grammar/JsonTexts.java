package dev.lockstep.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/** JSON texts of what no schema says more of, and how parts of them are put together. */
final class JsonTexts {
    private static final int MOST_SPACES = 20;
    static final int MOST_DIGITS = 18;

    private static final Automaton SPACE = Regex.whole("( |\n {0," + MOST_SPACES + "})?");
    static final Automaton COMMA = Operations.concatenate(Automata.makeChar(','), SPACE);
    static final Automaton COLON = Operations.concatenate(Automata.makeChar(':'), SPACE);
    /** A character that stands for itself in a JSON text. */
    static final Automaton PLAIN = Regex.whole("[^\"\\\\\\x00-\\x1f]");
    static final Automaton CHARACTER = TextAutomaton.least(Operations.union(PLAIN, Regex.whole(
            "\\\\([\"\\\\/bfnrt]|u([0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))")));
    static final Automaton INTEGER = Regex.whole("-?(0|[1-9]\\d{0," + (MOST_DIGITS - 1) + "})");
    static final Automaton NUMBER = TextAutomaton.least(Operations.concatenate(INTEGER,
            Regex.whole("(\\.\\d{1,17})?([eE][+-]?\\d{1,2})?")));
    static final Automaton STRING = quotes(Operations.repeat(CHARACTER));

    private final Map<Integer, Automaton> anything = new HashMap<>();

    /** Any value with so many arrays and objects within each other. */
    Automaton anything(int deep) {
        Automaton known = anything.get(deep);
        if (known == null) {
            List<Automaton> ways = new ArrayList<>(List.of(STRING, NUMBER, Regex.whole("true|false|null")));
            if (deep > 0) {
                ways.add(map(anything(deep - 1)));
                ways.add(items(anything(deep - 1), 0, -1));
            }
            known = TextAutomaton.least(Operations.union(ways));
            anything.put(deep, known);
        }
        return known;
    }

    static Automaton braces(char open, Automaton inside, char close) {
        return Operations.concatenate(List.of(Automata.makeChar(open), SPACE, inside, SPACE, Automata.makeChar(close)));
    }

    static Automaton quotes(Automaton inside) {
        return Operations.concatenate(List.of(Automata.makeChar('"'), inside, Automata.makeChar('"')));
    }

    /** An object with any names; where no value is accepted, with none. */
    static Automaton map(Automaton value) {
        if (Operations.isEmpty(value)) {
            return Regex.whole("\\{\\}");
        }
        Automaton item = TextAutomaton.least(Operations.concatenate(List.of(STRING, COLON, value)));
        return braces('{', Operations.optional(separated(item)), '}');
    }

    /** One or more, with commas between them; of which there is but one copy, as many of them may be inside each other. */
    private static Automaton separated(Automaton item) {
        Automaton.Builder all = new Automaton.Builder();
        all.copy(item);
        int comma = item.getNumStates();
        all.copy(COMMA);
        for (int state = 0; state < COMMA.getNumStates(); state++) {
            if (COMMA.isAccept(state)) {
                all.setAccept(comma + state, false);
                all.addEpsilon(comma + state, 0);
            }
        }
        for (int state = 0; state < item.getNumStates(); state++) {
            if (item.isAccept(state)) {
                all.addEpsilon(state, comma);
            }
        }
        return all.finish();
    }

    /**
     * @param item may accept nothing, and then there are none
     * @param most -1 for any number
     */
    static Automaton items(Automaton item, int least, int most) {
        if (Operations.isEmpty(item) && least > 0) {
            return item;
        }
        if (most == 0 || Operations.isEmpty(item)) {
            return Regex.whole("\\[\\]");
        }
        if (least <= 1 && most < 0) {
            Automaton all = separated(item);
            return braces('[', least > 0 ? all : Operations.optional(all), ']');
        }
        Automaton next = Operations.concatenate(COMMA, item);
        Automaton some = Operations.concatenate(item, times(next, Math.max(0, least - 1), most < 0 ? -1 : most - 1));
        return braces('[', least > 0 ? some : Operations.optional(some), ']');
    }

    static Automaton times(Automaton one, int least, int most) {
        return most < 0 ? Operations.repeat(one, least) : Operations.repeat(one, least, most);
    }
}
