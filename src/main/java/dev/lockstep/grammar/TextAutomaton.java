package dev.lockstep.grammar;

import java.util.List;

import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.ByteRunAutomaton;
import org.apache.lucene.util.automaton.MinimizationOperations;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.TooComplexToDeterminizeException;
import org.apache.lucene.util.automaton.UTF32ToUTF8;

/** The texts of a grammar by their UTF-8 bytes. From each state that is reached some text can still be ended. */
public final class TextAutomaton {
    /** Of making an automaton deterministic, in tens of states looked at: a second or two. */
    private static final int MOST_WORK = 100_000;
    private static final int MOST_MADE_SMALLER = 2000;
    /** What no text leads to. */
    public static final int NOWHERE = -1;
    /** Where a text begins. */
    public static final int START = 0;

    /**
     * What is UTF-8 (RFC 3629, section 4): Lucene's conversion lets characters through that are written in more bytes than they
     * take.
     */
    private static final Automaton UTF8 = utf8();

    private final ByteRunAutomaton bytes;

    private TextAutomaton(ByteRunAutomaton bytes) {
        this.bytes = bytes;
    }

    /** @param characters of code points */
    static TextAutomaton of(Automaton characters) {
        Automaton least = least(characters);
        if (Operations.isEmpty(least)) {
            throw new GrammarException("fits no text");
        }
        return new TextAutomaton(new ByteRunAutomaton(
                least(Operations.intersection(least(new UTF32ToUTF8().convert(least)), UTF8)), true, MOST_WORK));
    }

    private static Automaton utf8() {
        Automaton tail = Automata.makeCharRange(0x80, 0xbf);
        return least(Operations.repeat(Operations.union(List.of(Automata.makeCharRange(0, 0x7f),
                sequence(Automata.makeCharRange(0xc2, 0xdf), tail),
                sequence(Automata.makeChar(0xe0), Automata.makeCharRange(0xa0, 0xbf), tail),
                sequence(Automata.makeCharRange(0xe1, 0xec), tail, tail),
                sequence(Automata.makeChar(0xed), Automata.makeCharRange(0x80, 0x9f), tail),
                sequence(Automata.makeCharRange(0xee, 0xef), tail, tail),
                sequence(Automata.makeChar(0xf0), Automata.makeCharRange(0x90, 0xbf), tail, tail),
                sequence(Automata.makeCharRange(0xf1, 0xf3), tail, tail, tail),
                sequence(Automata.makeChar(0xf4), Automata.makeCharRange(0x80, 0x8f), tail, tail)))));
    }

    private static Automaton sequence(Automaton... bytes) {
        return Operations.concatenate(List.of(bytes));
    }

    /** A deterministic automaton of the same texts, the smallest one unless it is large, which would take long. */
    static Automaton least(Automaton automaton) {
        try {
            Automaton one = Operations.removeDeadStates(Operations.determinize(automaton, MOST_WORK));
            return one.getNumStates() > MOST_MADE_SMALLER
                    ? one
                    : Operations.removeDeadStates(MinimizationOperations.minimize(one, MOST_WORK));
        } catch (TooComplexToDeterminizeException e) {
            throw new GrammarException("is too large: its automaton has too many states");
        }
    }

    /**
     * Where a byte leads to.
     *
     * @param next 0 to 255
     * @return {@link #NOWHERE} where no text goes on so
     */
    public int step(int state, int next) {
        return bytes.step(state, next);
    }

    /** Where bytes lead to. */
    public int run(int state, byte[] text) {
        int at = state;
        for (int i = 0; i < text.length && at != NOWHERE; i++) {
            at = step(at, text[i] & 0xff);
        }
        return at;
    }

    /** Whether a text may end here. */
    public boolean isEnd(int state) {
        return bytes.isAccept(state);
    }

    /** How many states there are, which are numbered from 0. */
    public int size() {
        return bytes.getSize();
    }
}
