package dev.lockstep.prompts;

import java.util.Arrays;
import java.util.BitSet;

import org.jspecify.annotations.Nullable;

/**
 * The order in which rows are best done: those that begin alike follow one another, where the first of them stands, and
 * among them those that are alike for longer. Others stay where they are.
 */
public final class RowOrder {
    private final int start;
    private final int size;
    // by position; null: as they stand, from the start on
    private final int @Nullable [] rows;
    // by position: for how long the row and the one before it are alike, in levels; 0 where they are not
    private final byte[] alike;
    // by row: another one begins like it
    private final BitSet grouped = new BitSet();

    private RowOrder(int start, int size, int @Nullable [] rows, byte[] alike) {
        this.start = start;
        this.size = size;
        this.rows = rows;
        this.alike = alike;
        for (int position = 1; rows != null && position < size; position++) {
            if (alike[position] > 0) {
                grouped.set(rows[position - 1]);
                grouped.set(rows[position]);
            }
        }
    }

    /** Rows as they stand, no two of which begin alike. */
    static RowOrder asTheyStand(int start, int end) {
        return new RowOrder(start, end - start, null, new byte[0]);
    }

    /** @param alike by position, levels that the row shares with the one before it */
    static RowOrder of(int[] rows, byte[] alike) {
        return new RowOrder(0, rows.length, rows, alike);
    }

    /** The same order of the rows from one up to, and without, another. */
    public RowOrder block(int from, int to) {
        if (rows == null) {
            return asTheyStand(from, to);
        }
        int[] own = new int[to - from];
        byte[] ownAlike = new byte[to - from];
        int count = 0;
        byte least = 0;
        for (int position = 0; position < size; position++) {
            least = (byte) Math.min(least, alike[position]);
            if (rows[position] >= from && rows[position] < to) {
                own[count] = rows[position];
                ownAlike[count++] = least;
                least = Byte.MAX_VALUE;
            }
        }
        return new RowOrder(0, count, own, ownAlike);
    }

    /** How many rows there are. */
    public int size() {
        return size;
    }

    /** The row that is to be done at a place. */
    public int row(int position) {
        return rows == null ? start + position : rows[position];
    }

    /** Whether another row begins like this one. */
    boolean isGrouped(int row) {
        return grouped.get(row);
    }

    /** Whether all rows stand where they did. */
    boolean isAsTheyStand() {
        return rows == null;
    }

    /**
     * Cuts the order into pieces of rows that begin alike. What is longer than a piece may be is cut where its rows are
     * alike for longer, and if they are not, into single rows.
     *
     * @param most rows of a piece
     * @return where pieces begin
     */
    public BitSet pieces(int most) {
        BitSet starts = new BitSet(size);
        if (rows == null) {
            starts.set(0, size);
        } else {
            cut(0, size, 0, Math.max(1, most), starts);
        }
        return starts;
    }

    /** @param level what all of these have in common */
    private void cut(int from, int to, int level, int most, BitSet starts) {
        if (level > 0 && to - from <= most) {
            starts.set(from);
            return;
        }
        for (int begin = from; begin < to;) {
            int end = begin + 1;
            while (end < to && alike[end] > level) {
                end++;
            }
            if (end - begin == 1) {
                starts.set(begin);
            } else {
                cut(begin, end, level + 1, most, starts);
            }
            begin = end;
        }
    }

    @Override
    public String toString() {
        return rows == null ? start + " to " + (start + size) : Arrays.toString(rows);
    }
}
