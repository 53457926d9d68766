package dev.lockstep.generate;

/**
 * What fixes every random number of a sample: a function of its seed, its prompt's index and its own number alone, so that
 * neither batch nor rank nor order of completion changes what it draws. {@code random.torchscript} makes one number of it
 * for each step and token.
 */
final class RandomKey {
    private RandomKey() {}

    static long of(Request request) {
        long key = mix(request.params().seed());
        key = mix(key + request.index());
        return mix(key + request.sample());
    }

    /** SplitMix64 (Steele, Lea, Flood 2014): one step of its sequence from {@code z}. */
    private static long mix(long z) {
        long next = z + 0x9e3779b97f4a7c15L;
        next = (next ^ next >>> 30) * 0xbf58476d1ce4e5b9L;
        next = (next ^ next >>> 27) * 0x94d049bb133111ebL;
        return next ^ next >>> 31;
    }
}
