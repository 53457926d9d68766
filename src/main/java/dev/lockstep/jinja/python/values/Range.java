package dev.lockstep.jinja.python.values;

import java.util.AbstractList;

import dev.lockstep.jinja.rendering.TemplateException;

/** Python's range, which holds none of its numbers. */
public final class Range extends AbstractList<Object> {
    /** The sandbox's limit. */
    private static final long LONGEST = 100_000;

    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    private Range(long start, long stop, long step, int size) {
        this.start = start;
        this.stop = stop;
        this.step = step;
        this.size = size;
    }

    /**
     * @throws TemplateException when the step is 0 or the range longer than the sandbox allows
     */
    public static Range of(long start, long stop, long step) {
        if (step == 0) {
            throw new TemplateException("range() arg 3 must not be zero");
        }
        double size = Math.max(0, Math.ceil(((double) stop - start) / step));
        if (size > LONGEST) {
            throw new TemplateException("Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + LONGEST
                    + ").");
        }
        return new Range(start, stop, step, (int) size);
    }

    /** Every so many of the numbers at these places; the last place is not included. */
    public Range slice(int from, int to, long by) {
        return of(start + from * step, start + to * step, step * by);
    }

    /** Its attribute of this name. */
    public long bound(String name) {
        return name.equals("start") ? start : name.equals("stop") ? stop : step;
    }

    @Override
    public Object get(int index) {
        return start + index * step;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String toString() {
        return "range(" + start + ", " + stop + (step == 1 ? "" : ", " + step) + ")";
    }
}
