package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;

import dev.lockstep.decoder.sampling.RowSampling;

/**
 * A row that comes into a slot, or a piece of it.
 *
 * @param tokens    its tokens, at least one: the prompt, and those that were generated before it was interrupted
 * @param generated so many of the last ones are of the latter kind
 * @param from      the first of them to be brought now; those before it have been
 * @param to        the one after the last
 * @param reach     tokens that the sequence may come to have, these included
 * @param settings  how to choose its tokens
 */
public record Admission(int slot, int[] tokens, int generated, int from, int to, int reach, RowSampling settings) {
    /** The whole prompt, of a sequence that stays near it. */
    public Admission(int slot, int[] prompt, RowSampling settings) {
        this(slot, prompt, 0, prompt.length, settings);
    }

    /** A piece of a prompt, of a sequence that stays near it. */
    public Admission(int slot, int[] prompt, int from, int to, RowSampling settings) {
        this(slot, prompt, 0, from, to, prompt.length, settings);
    }

    boolean isComplete() {
        return to == tokens.length;
    }

    /** All tokens that these rows bring, row by row, as the program takes them, and so the others. */
    static long[] tokens(List<Admission> rows) {
        return rows.stream().flatMapToInt(row -> Arrays.stream(row.tokens, row.from, row.to)).asLongStream().toArray();
    }

    static long[] slots(List<Admission> rows) {
        return rows.stream().mapToLong(Admission::slot).toArray();
    }

    static long[] starts(List<Admission> rows) {
        return rows.stream().mapToLong(Admission::from).toArray();
    }

    static long[] lengths(List<Admission> rows) {
        return rows.stream().mapToLong(row -> row.to - row.from).toArray();
    }
}
