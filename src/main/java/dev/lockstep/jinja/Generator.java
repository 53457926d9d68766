package dev.lockstep.jinja;

import java.util.Iterator;

/** What {@code map}, {@code select} and their like give: computed as it is gone through, which can be done once. */
final class Generator implements Iterator<Object> {
    private final Iterator<Object> items;
    private final Rendering rendering;

    Generator(Iterator<Object> items, Rendering rendering) {
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
