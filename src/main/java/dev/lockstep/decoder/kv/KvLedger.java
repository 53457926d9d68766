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
    /** Pages that so many tokens of a slot take. */
    int pages(int tokens);

    /** Pages that can be had now. */
    int available();

    /** Pages that the slot still needs to hold so many tokens. */
    int lacking(int slot, int tokens);

    /**
     * Makes room for so many tokens of a slot.
     *
     * @throws IllegalStateException when there are too few pages; nothing is taken then
     */
    void extend(int slot, int tokens);

    /** How many of a prompt's first tokens are there already; always fewer than all: the last one's logits are wanted. */
    int shared(int kind, int[] prompt);

    /** Pages of those that can be had now which a prompt would take. */
    int wanted(int kind, int[] prompt);

    /** What comes first of a prompt that is not there yet, to compare with that of another; null where it is too short. */
    @Nullable
    Object firstMissing(int kind, int[] prompt);

    /** Gives an empty slot what {@link #shared} has counted, and returns that. */
    int attach(int slot, int kind, int[] prompt);

    /** Tokens 0 to {@code to - 1} of a slot's prompt are in the cache, or will be before anything that is asked for next. */
    void publish(int slot, int kind, int[] prompt, int to);

    /** The slot's sequence has ended. */
    void release(int slot);

    /** The sequence of one slot goes on in another, empty one; to be called after a flush. */
    void move(int source, int target);
}
