package dev.lockstep.generate;

import java.util.List;

/** Is told in the generating thread what becomes of requests; sequences stand still meanwhile. */
public interface SequenceListener {
    /** These are about to begin. One of them begins again if the device's memory runs out under it. */
    default void starting(List<Request> requests) {}

    /** A request has become a completion, which may be one with an error. Comes once for each. */
    void finished(Request request, Completion completion);

    /**
     * The sequences under way have got tokens; the sequences that finished with these have been told before.
     *
     * @param timing of this call of {@link Generator#generate} so far
     */
    default void stepped(long tokensSoFar, Timing timing) {}
}
