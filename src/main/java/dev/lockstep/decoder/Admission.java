package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

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
 * @param scored    what comes after each of its last tokens but some, as many of them: how likely the model holds these is
 *                  found out while they are brought; none of a row that is only to go on
 * @param unscored  so many tokens behind those
 */
public record Admission(int slot, int[] tokens, int generated, int from, int to, int reach, RowSampling settings,
        int[] scored, int unscored) {
    private static final int[] NONE = {};

    /** One that is only to go on. */
    public Admission(int slot, int[] tokens, int generated, int from, int to, int reach, RowSampling settings) {
        this(slot, tokens, generated, from, to, reach, settings, NONE, 0);
    }

    /** The whole prompt, of a sequence that stays near it. */
    public Admission(int slot, int[] prompt, RowSampling settings) {
        this(slot, prompt, 0, prompt.length, settings);
    }

    /** A piece of a prompt, of a sequence that stays near it. */
    public Admission(int slot, int[] prompt, int from, int to, RowSampling settings) {
        this(slot, prompt, 0, from, to, prompt.length, settings);
    }

    /** Tokens that are brought now. */
    public int brought() {
        return to - from;
    }

    /** The same of all rows. */
    static int brought(List<Admission> rows) {
        return rows.stream().mapToInt(Admission::brought).sum();
    }

    /** Tokens that were not generated. */
    int promptLength() {
        return tokens.length - generated;
    }

    boolean isComplete() {
        return to == tokens.length;
    }

    /** The first of the tokens of this piece after which something is scored. */
    private int scoredFrom() {
        return Math.min(to, Math.max(from, tokens.length - unscored - scored.length));
    }

    /** The one behind the last of them. */
    private int scoredTo() {
        return Math.max(scoredFrom(), Math.min(to, tokens.length - unscored));
    }

    /** Of so many tokens it is found out with this piece how likely they are. */
    public int scoredHere() {
        return scoredTo() - scoredFrom();
    }

    /** All tokens that are scored with these rows, row by row. */
    static long[] scoredTokens(List<Admission> rows) {
        return rows.stream().flatMapToInt(row -> Arrays.stream(row.scored)
                .skip(Math.max(0, row.from - row.tokens.length + row.unscored + row.scored.length))
                .limit(row.scoredHere()))
                .asLongStream().toArray();
    }

    /** The tokens before these, by their places among all that the rows bring. */
    static long[] scoredPlaces(List<Admission> rows) {
        LongStream.Builder places = LongStream.builder();
        int begin = 0;
        for (Admission row : rows) {
            for (int at = row.scoredFrom(); at < row.scoredTo(); at++) {
                places.add(begin + at - row.from);
            }
            begin += row.brought();
        }
        return places.build().toArray();
    }

    static int scoredHere(List<Admission> rows) {
        return rows.stream().mapToInt(Admission::scoredHere).sum();
    }

    /** [3, all that these rows bring]: the tokens, row by row, of each the slot, and how many stand before it in its row. */
    static long[][] packed(List<Admission> rows) {
        long[][] packed = new long[3][brought(rows)];
        int at = 0;
        for (Admission row : rows) {
            for (int position = row.from; position < row.to; position++) {
                packed[0][at] = row.tokens[position];
                packed[1][at] = row.slot;
                packed[2][at++] = position;
            }
        }
        return packed;
    }

    /** All prompts, one after the other, as the program takes them, and so the others. */
    static long[] prompts(List<Admission> rows) {
        return rows.stream().flatMapToInt(row -> Arrays.stream(row.tokens, 0, row.promptLength())).asLongStream()
                .toArray();
    }

    /** What was generated of all rows, one after the other. */
    static long[] generatedTokens(List<Admission> rows) {
        return rows.stream().flatMapToInt(row -> Arrays.stream(row.tokens, row.promptLength(), row.tokens.length))
                .asLongStream().toArray();
    }

    static long[] slots(List<Admission> rows) {
        return rows.stream().mapToLong(Admission::slot).toArray();
    }

    static long[] starts(List<Admission> rows) {
        return rows.stream().mapToLong(Admission::from).toArray();
    }

    static long[] lengths(List<Admission> rows) {
        return rows.stream().mapToLong(Admission::brought).toArray();
    }
}
