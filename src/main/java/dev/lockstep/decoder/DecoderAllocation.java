package dev.lockstep.decoder;

/**
 * What a decoder has room for.
 *
 * @param slots     sequences at a time
 * @param capacity  tokens of the longest sequence, prompt and new ones together
 * @param pages     pages of the cache that the slots share; 0 for as many as all of them take when full
 * @param endTokens the most end tokens that one sequence has
 * @param penalized whether some sequence may have a penalty
 * @param logprobs  the most tokens beside the chosen one whose log-probability some sequence wants
 */
public record DecoderAllocation(int slots, int capacity, int pages, int endTokens, boolean penalized, int logprobs) {
    /** Has room for one end token where sequences have none. */
    public DecoderAllocation {
        endTokens = Math.max(1, endTokens);
    }

    /** Room for full slots of sequences without end tokens, penalties and log-probabilities. */
    public DecoderAllocation(int slots, int capacity) {
        this(slots, capacity, 0, 0, false, 0);
    }

    /** With room for longer sequences. */
    public DecoderAllocation withCapacity(int more) {
        return new DecoderAllocation(slots, more, pages, endTokens, penalized, logprobs);
    }

    /** Whether there is room for all that the other has room for, but for the length of sequences, which can grow. */
    public boolean holds(DecoderAllocation other) {
        return other.slots <= slots && other.pages <= pages && other.endTokens <= endTokens
                && (penalized || !other.penalized) && other.logprobs <= logprobs;
    }

    /** With these slots, room for what either of both has room for. */
    public DecoderAllocation grown(DecoderAllocation other) {
        return new DecoderAllocation(other.slots, Math.max(capacity, other.capacity), Math.max(pages, other.pages),
                Math.max(endTokens, other.endTokens), penalized || other.penalized,
                Math.max(logprobs, other.logprobs));
    }
}
