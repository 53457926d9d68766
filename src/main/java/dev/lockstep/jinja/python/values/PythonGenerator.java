package dev.lockstep.jinja.python.values;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

import dev.lockstep.jinja.rendering.Rendering;

/** What {@code map}, {@code select} and their like give: computed as it is gone through, which can be done once. */
public final class PythonGenerator implements Iterator<Object> {
    private final Iterator<Object> items;
    private final Rendering rendering;

    /**
     * @param items asked for one when it is its turn, and not before
     */
    public PythonGenerator(Iterator<Object> items, Rendering rendering) {
        this.items = items;
        this.rendering = rendering;
    }

    /** The items for which something holds, each asked about when it is its turn. */
    public static PythonGenerator filtered(Iterator<Object> items, Predicate<Object> keep, Rendering rendering) {
        return new PythonGenerator(new Iterator<>() {
            private Object next = DictKeys.NONE;

            @Override
            public boolean hasNext() {
                while (next == DictKeys.NONE && items.hasNext()) {
                    Object item = items.next();
                    next = keep.test(item) ? item : DictKeys.NONE;
                }
                return next != DictKeys.NONE;
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Object item = next;
                next = DictKeys.NONE;
                return item;
            }
        }, rendering);
    }

    @Override
    public boolean hasNext() {
        rendering.enter();
        boolean has = items.hasNext();
        rendering.leave();
        return has;
    }

    @Override
    public Object next() {
        rendering.enter();
        Object item = items.next();
        rendering.leave();
        return item;
    }
}
