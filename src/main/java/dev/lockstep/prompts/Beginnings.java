package dev.lockstep.prompts;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Finds out which rows begin alike. Of each text it keeps hashes of beginnings, each longer by a quarter than the one
 * before: of bytes, since to make tokens of a text takes several times as long as all else that is done with a row when it
 * is first read. That two texts begin alike is a guess of where to do them; what they share is found by tokens then.
 */
final class Beginnings {
    /** In bytes of UTF-8: a page of the cache on a GPU has 16 tokens, which are about 70 of them. */
    private static final int SHORTEST = 80;
    private static final int LONGEST = 1 << 16;
    /** Bytes that go into a hash at once; the length of each beginning is a multiple of it. */
    private static final int STRIDE = Long.BYTES;
    private static final VarHandle STRIDES = MethodHandles.byteArrayViewVarHandle(long[].class,
            ByteOrder.LITTLE_ENDIAN);
    /** When there are so many hashes, of 4 bytes, of further rows only the first is kept. */
    private static final int MOST_MARKS = 1 << 24;

    private static final int[] LENGTHS = lengths();

    private final int mostMarks;
    // by row, where its hashes begin
    private int[] begins = new int[1024];
    private int rows;
    private int[] marks = new int[1024];
    private int used;

    Beginnings() {
        this(MOST_MARKS);
    }

    /** @param mostMarks when there are so many hashes, of further rows only the first is kept */
    Beginnings(int mostMarks) {
        this.mostMarks = mostMarks;
    }

    private static int[] lengths() {
        int[] all = new int[64];
        int count = 0;
        for (int length = SHORTEST; length <= LONGEST; length += length / 4 / STRIDE * STRIDE) {
            all[count++] = length;
        }
        return Arrays.copyOf(all, count);
    }

    /** The next row. */
    void add(String text) {
        begins = rows + 1 < begins.length ? begins : Arrays.copyOf(begins, rows + rows / 2 + 2);
        begins[rows++] = used;
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int levels = used < mostMarks ? LENGTHS.length : 1;
        long hash = 0;
        int at = 0;
        for (int level = 0; level < levels && LENGTHS[level] <= bytes.length; level++) {
            for (; at < LENGTHS[level]; at += STRIDE) {
                hash = (hash ^ (long) STRIDES.get(bytes, at)) * 0x9E3779B97F4A7C15L;
                hash ^= hash >>> 32;
            }
            marks = used < marks.length ? marks : Arrays.copyOf(marks, used + used / 2);
            marks[used++] = (int) hash;
        }
        begins[rows] = used;
    }

    /** What is best done one after the other. */
    RowOrder order() {
        long[] byFirst = byMark(all(), 0, rows, 0);
        for (int i = 1; i < byFirst.length; i++) {
            if (mark(byFirst[i]) == mark(byFirst[i - 1])) {
                return new Arrangement().order();
            }
        }
        return RowOrder.asTheyStand(0, rows);
    }

    private int[] all() {
        int[] all = new int[rows];
        Arrays.setAll(all, row -> row);
        return all;
    }

    private boolean has(int row, int level) {
        return begins[row] + level < begins[row + 1];
    }

    /** Those of some rows that are long enough, the ones with the same hash together, and before each its hash. */
    private long[] byMark(int[] some, int from, int to, int level) {
        long[] keys = new long[to - from];
        int count = 0;
        for (int i = from; i < to; i++) {
            if (has(some[i], level)) {
                keys[count++] = (long) marks[begins[some[i]] + level] << 32 | some[i];
            }
        }
        keys = Arrays.copyOf(keys, count);
        Arrays.sort(keys);
        return keys;
    }

    private static int mark(long key) {
        return (int) (key >>> 32);
    }

    /** Rows on their way to their places. */
    private final class Arrangement {
        private final int[] places = all();
        private final byte[] alike = new byte[rows];

        RowOrder order() {
            arrange(0, rows, 0);
            return RowOrder.of(places, alike);
        }

        /** Rows of these places, in the order of the input, have so many hashes in common. */
        private void arrange(int from, int to, int common) {
            int level = common;
            while (level < LENGTHS.length && isCommon(from, to, level)) {
                level++;
            }
            if (level == LENGTHS.length) {
                Arrays.fill(alike, from + 1, to, (byte) level);
                return;
            }
            long[] byMark = byMark(places, from, to, level);
            long[] groups = groups(from, to, level, byMark);
            int place = from;
            for (long group : groups) {
                int first = (int) (group >>> 32);
                int begin = (int) group;
                int count = 1;
                while (begin >= 0 && begin + count < byMark.length
                        && mark(byMark[begin + count]) == mark(byMark[begin])) {
                    count++;
                }
                for (int i = 0; i < count; i++) {
                    places[place + i] = begin < 0 ? first : (int) byMark[begin + i];
                }
                if (place > from) {
                    alike[place] = (byte) level;
                }
                if (count > 1) {
                    arrange(place, place + count, level + 1);
                }
                place += count;
            }
        }

        /** Each group's first row, and where in the other array the group begins; -1 for a row that is too short. */
        private long[] groups(int from, int to, int level, long[] byMark) {
            long[] groups = new long[to - from];
            int count = 0;
            for (int i = from; i < to; i++) {
                if (!has(places[i], level)) {
                    groups[count++] = (long) places[i] << 32 | 0xFFFFFFFFL;
                }
            }
            for (int i = 0; i < byMark.length; i++) {
                if (i == 0 || mark(byMark[i]) != mark(byMark[i - 1])) {
                    groups[count++] = byMark[i] << 32 | i;
                }
            }
            groups = Arrays.copyOf(groups, count);
            Arrays.sort(groups);
            return groups;
        }

        private boolean isCommon(int from, int to, int level) {
            for (int i = from; i < to; i++) {
                if (!has(places[i], level)
                        || marks[begins[places[i]] + level] != marks[begins[places[from]] + level]) {
                    return false;
                }
            }
            return true;
        }
    }
}
