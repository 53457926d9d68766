package dev.lockstep.decoder.kv;

import org.jspecify.annotations.Nullable;

/**
 * What of the key-value cache is whose, in pages. Books are kept here; what they come to is handed to the device by
 * the decoder when it computes.
 *
 * <p>What a prompt begins with may be there already, because another one began alike. Prompts of different kinds share
 * nothing, whatever their tokens are.
 */
public interface KvLedger {
    /** Pages that can be had now. */
    int available();

    /** Pages more than now that the slot will have once it is {@linkplain #extend extended}. */
    int lacking(int slot, int from, int to);

    /**
     * Makes room for a slot's tokens up to this one.
     *
     * @param from the next of its tokens to be computed: what only those before it see is given back
     * @param to   the one after the last
     * @throws IllegalStateException when there are too few pages
     */
    void extend(int slot, int from, int to);

    /**
     * Has those tokens of a prompt that no later one will see kept until they are {@linkplain #publish published} nevertheless,
     * as far as there is room, after an {@link #extend}.
     */
    void keepWhole(int slot, int from, int to);

    /** How many of a prompt's first tokens are there already; always fewer than all: the last one's logits are wanted. */
    int shared(int kind, int[] prompt);

    /** Pages of those that can be had now which a prompt would take. */
    int wanted(int kind, int[] prompt);

    /** What comes first of a prompt that is not there yet, to compare with that of another; null where it is too short. */
    @Nullable
    Object firstMissing(int kind, int[] prompt);

    /** Gives an empty slot what {@link #shared} has counted, and returns that. */
    int attach(int slot, int kind, int[] prompt);

    /**
     * Tokens 0 to {@code to - 1} of a slot's prompt are in the cache, or will be before anything that is asked for next; what no
     * later one sees may be given back.
     */
    void publish(int slot, int kind, int[] prompt, int to);

    /** The slot's sequence has ended. */
    void release(int slot);

    /** The sequence of one slot goes on in another, empty one; to be called after a flush. */
    void move(int source, int target);
}
