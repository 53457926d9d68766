package dev.lockstep.decoder.sampling;

import java.util.List;

import org.jspecify.annotations.Nullable;

/** What is done to the logits of one step after the other, of which each depends on what the one before has chosen. */
@FunctionalInterface
public interface EditsByStep {
    /**
     * Asked once for each step, while the device computes its logits.
     *
     * @param chosen what the step before has chosen, by slot; null for the first step
     * @return by slot
     */
    List<LogitEdits> next(int @Nullable [] chosen);
}
