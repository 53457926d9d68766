package dev.lockstep.job;

/**
 * One row of the prompts.
 *
 * @param index     its place among the rows, from 0
 * @param id        its name: the row's own, or the index
 * @param text      what to continue; null when the row is broken
 * @param overrides what the row says about sampling
 * @param error     one sentence that says why the row is broken and names its line; null when it is good
 */
public record Prompt(int index, String id, String text, SamplingOverrides overrides, String error) {
    static Prompt broken(int index, String id, String error) {
        return new Prompt(index, id, null, SamplingOverrides.NONE, error);
    }
}
