package dev.lockstep.grammar;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Texts of an automaton, by walks from its start to an end, as a model takes them. */
final class Walk {
    private static final int BYTES = 256;

    private Walk() {}

    /** @param wander steps by chance, after which the nearest end is sought */
    static String of(TextAutomaton automaton, Random random, int wander) {
        int[] distance = toEnd(automaton);
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        int state = TextAutomaton.START;
        for (int step = 0;; step++) {
            if (automaton.isEnd(state) && (step >= wander || random.nextInt(8) == 0)) {
                return decoded(text.toByteArray());
            }
            int next = TextAutomaton.NOWHERE;
            int taken = -1;
            int first = random.nextInt(BYTES);
            for (int i = 0; i < BYTES; i++) {
                int one = (first + i) % BYTES;
                int there = automaton.step(state, one);
                if (there != TextAutomaton.NOWHERE
                        && (next == TextAutomaton.NOWHERE || step >= wander && distance[there] < distance[next])) {
                    next = there;
                    taken = one;
                    if (step < wander) {
                        break;
                    }
                }
            }
            if (taken < 0) {
                // nothing goes on from an end
                return decoded(text.toByteArray());
            }
            text.write(taken);
            state = next;
        }
    }

    private static int[] toEnd(TextAutomaton automaton) {
        int[] distance = new int[automaton.size()];
        Arrays.fill(distance, Integer.MAX_VALUE);
        boolean changed = true;
        for (int state = 0; state < distance.length; state++) {
            distance[state] = automaton.isEnd(state) ? 0 : Integer.MAX_VALUE;
        }
        while (changed) {
            changed = false;
            for (int state = 0; state < distance.length; state++) {
                for (int next = 0; next < BYTES; next++) {
                    int there = automaton.step(state, next);
                    if (there >= 0 && distance[there] != Integer.MAX_VALUE && distance[there] + 1 < distance[state]) {
                        distance[state] = distance[there] + 1;
                        changed = true;
                    }
                }
            }
        }
        return distance;
    }

    private static String decoded(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new AssertionError(Arrays.toString(bytes), e);
        }
    }
}
