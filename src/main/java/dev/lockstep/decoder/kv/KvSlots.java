package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The cache on CPU: a slot is one page, and lies where it does, so that steps read all slots as one tensor and copy
 * nothing; the system gives memory when it is first written to. What a prompt begins with is copied from the slot that
 * has it, or had it last.
 */
public final class KvSlots implements KvLedger {
    /** Fewer tokens are computed as fast as they are copied. */
    private static final int WORTH_COPYING = 16;

    /** The first tokens of one slot come to another. */
    public record Copy(int source, int target, int tokens) {}

    private record Start(int kind, int at, List<Integer> tokens) {}

    private final boolean[] used;
    // by slot: the prompt whose keys and values it holds, also when it is not in use
    private final int[][] known;
    private final int[] kinds;
    private final List<Copy> copies = new ArrayList<>();

    public KvSlots(int slots) {
        used = new boolean[slots];
        known = new int[slots][0];
        kinds = new int[slots];
    }

    @Override
    public int available() {
        int free = 0;
        for (boolean each : used) {
            free += each ? 0 : 1;
        }
        return free;
    }

    @Override
    public int lacking(int slot, int from, int to) {
        return used[slot] ? 0 : 1;
    }

    @Override
    public void extend(int slot, int from, int to) {
        used[slot] = true;
    }

    @Override
    public void keepWhole(int slot, int from, int to) {
        // a slot keeps all of its tokens
    }

    @Override
    public int shared(int kind, int[] prompt) {
        int source = source(kind, prompt);
        return source < 0 ? 0 : alike(source, prompt);
    }

    /** The slot that has most of a prompt's first tokens, or -1. */
    private int source(int kind, int[] prompt) {
        int best = -1;
        int most = WORTH_COPYING - 1;
        for (int slot = 0; slot < known.length; slot++) {
            int alike = kinds[slot] == kind ? alike(slot, prompt) : 0;
            if (alike > most) {
                best = slot;
                most = alike;
            }
        }
        return best;
    }

    private int alike(int slot, int[] prompt) {
        int most = Math.min(prompt.length - 1, known[slot].length);
        int differs = Arrays.mismatch(prompt, 0, most, known[slot], 0, most);
        return differs < 0 ? most : differs;
    }

    @Override
    public int wanted(int kind, int[] prompt) {
        return 1;
    }

    @Override
    public @Nullable Object firstMissing(int kind, int[] prompt) {
        int from = shared(kind, prompt);
        return from + WORTH_COPYING >= prompt.length
                ? null
                : new Start(kind, from, Arrays.stream(prompt, from, from + WORTH_COPYING).boxed().toList());
    }

    @Override
    public int attach(int slot, int kind, int[] prompt) {
        int source = source(kind, prompt);
        int tokens = source < 0 ? 0 : alike(source, prompt);
        used[slot] = true;
        if (tokens > 0 && source != slot) {
            copies.add(new Copy(source, slot, tokens));
        }
        publish(slot, kind, prompt, tokens);
        return tokens;
    }

    @Override
    public void publish(int slot, int kind, int[] prompt, int to) {
        known[slot] = Arrays.copyOf(prompt, to);
        kinds[slot] = kind;
    }

    @Override
    public void release(int slot) {
        used[slot] = false;
    }

    @Override
    public void move(int source, int target) {
        used[target] = true;
        used[source] = false;
        known[target] = known[source];
        kinds[target] = kinds[source];
    }

    /** What is to be copied, in order, since the last call. */
    public List<Copy> drain() {
        List<Copy> all = List.copyOf(copies);
        copies.clear();
        return all;
    }
}
