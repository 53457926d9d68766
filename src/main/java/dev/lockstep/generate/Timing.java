package dev.lockstep.generate;

/**
 * Where the time of generating went.
 *
 * @param prefillSeconds bringing prompts in, with the first new token of each
 * @param decodeSeconds  all further tokens
 * @param waitSeconds    waiting for requests with nothing under way
 * @param steps          decode steps, each one token for every sequence in a slot
 */
public record Timing(double prefillSeconds, double decodeSeconds, double waitSeconds, long steps) {
    /** No time at all. */
    public static final Timing NONE = new Timing(0, 0, 0, 0);

    /** Both together. */
    public Timing plus(Timing more) {
        return new Timing(prefillSeconds + more.prefillSeconds, decodeSeconds + more.decodeSeconds,
                waitSeconds + more.waitSeconds, steps + more.steps);
    }
}
