package dev.lockstep.generate;

import java.util.List;

/** Gives requests to a generator as its slots fall free, so that they need not all be there before the first. */
public interface RequestSource {
    /**
     * Called in the generating thread.
     *
     * @param most so many slots are free, at least 1
     * @param wait nothing is under way: return only with a request, or with none where there will never be one again.
     *             Otherwise return at once, since sequences stand still meanwhile
     * @return at most so many requests
     */
    List<Request> take(int most, boolean wait);
}
