package dev.lockstep.generate;

/**
 * What became of prompts in the key-value cache.
 *
 * @param computedTokens tokens of prompts that were computed
 * @param sharedTokens   tokens of prompts that were not, because another prompt began alike
 * @param interruptions  how often a sequence gave its pages to others and went on later
 * @param heldTokens     tokens that there was room for in the pages of sequences, summed over all looks at them; 0 where the
 *                       cache has no pages
 * @param aliveTokens    tokens that sequences had, summed likewise
 */
public record CacheUse(long computedTokens, long sharedTokens, long interruptions, long heldTokens, long aliveTokens) {
    /** Nothing yet. */
    public static final CacheUse NONE = new CacheUse(0, 0, 0, 0, 0);

    /** Both together. */
    public CacheUse plus(CacheUse more) {
        return new CacheUse(computedTokens + more.computedTokens, sharedTokens + more.sharedTokens,
                interruptions + more.interruptions, heldTokens + more.heldTokens,
                aliveTokens + more.aliveTokens);
    }
}
