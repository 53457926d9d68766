package dev.lockstep.jinja.python.values;

import java.util.Iterator;

import dev.lockstep.jinja.rendering.Rendering;

/** What {@code map}, {@code select} and their like give: computed as it is gone through, which can be done once. */
public final class PythonGenerator implements Iterator<Object> {
    private final Iterator<Object> items;
    private final Rendering rendering;

    public PythonGenerator(Iterator<Object> items, Rendering rendering) {
        this.items = items;
        this.rendering = rendering;
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
