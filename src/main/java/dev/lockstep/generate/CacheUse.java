package dev.lockstep.generate;

/**
 * What became of prompts in the key-value cache.
 *
 * @param computedTokens tokens of prompts that were computed
 * @param sharedTokens   tokens of prompts that were not, because another prompt began alike
 * @param interruptions  how often a sequence gave its pages to others and went on later
 */
public record CacheUse(long computedTokens, long sharedTokens, long interruptions) {
    /** Nothing yet. */
    public static final CacheUse NONE = new CacheUse(0, 0, 0);

    /** Both together. */
    public CacheUse plus(CacheUse more) {
        return new CacheUse(computedTokens + more.computedTokens, sharedTokens + more.sharedTokens,
                interruptions + more.interruptions);
    }
}
