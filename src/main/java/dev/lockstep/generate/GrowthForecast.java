package dev.lockstep.generate;

import java.util.List;

import dev.lockstep.decoder.Decoder;

/**
 * How many pages of the cache the sequences under way will still want. Nobody knows when one ends; of the tokens that
 * sequences are allowed it expects them to take the part that those before took, where the ones under way count as if they
 * took all, since the short ones end first.
 */
final class GrowthForecast {
    private final Decoder decoder;
    private long taken;
    private long allowed;

    GrowthForecast(Decoder decoder) {
        this.decoder = decoder;
    }

    /** A sequence has ended. */
    void ended(Sequence sequence) {
        taken += sequence.count();
        allowed += sequence.limit();
    }

    /** Pages that these and the next one will take beyond what they have now. */
    long pages(List<Sequence> underWay, Sequence next) {
        long running = next.limit();
        for (Sequence sequence : underWay) {
            running += sequence.limit();
        }
        double part = (double) (taken + running) / Math.max(1, allowed + running);
        long more = more(next, part);
        for (Sequence sequence : underWay) {
            more += more(sequence, part);
        }
        return more;
    }

    private int more(Sequence sequence, double part) {
        int end = (int) Math.min(sequence.reach(), sequence.length() + Math.ceil(part * sequence.remaining()));
        return decoder.pages(end) - decoder.pages(sequence.length());
    }
}
