package dev.lockstep.generate;

/**
 * What came of drafting tokens.
 *
 * @param tokens that were drafted
 * @param right  those of them that sequences then went on with, each a token without a step of its own
 */
public record Drafted(long tokens, long right) {
    /** Nothing yet. */
    public static final Drafted NONE = new Drafted(0, 0);

    /** Both together. */
    public Drafted plus(Drafted more) {
        return new Drafted(tokens + more.tokens, right + more.right);
    }
}
