package dev.lockstep.host;

import java.util.AbstractList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/**
 * Consecutive elements of a list, as a view that cannot be modified and that knows where in the list they stand. One
 * rank's share of a list that all ranks have is such a list: what depends on an element's place in the whole, a random
 * number say, is then the same however many ranks there are.
 */
public final class Share<T> extends AbstractList<T> {
    private final List<T> items;
    private final int start;

    private Share(List<T> items, int start) {
        this.items = items;
        this.start = start;
    }

    /**
     * The elements from {@code from} up to but not including {@code to}.
     *
     * @param whole when this is a share itself, the places are those in the list that it is a share of
     * @throws IndexOutOfBoundsException when {@code whole} does not have these elements
     */
    public static <T> Share<T> of(List<T> whole, int from, int to) {
        Share<T> all = whole instanceof Share<T> share ? share : new Share<>(Collections.unmodifiableList(whole), 0);
        return all.subList(from, to);
    }

    /** The place of the first element in the whole list, from 0; where there is none, of the one it would be. */
    public int start() {
        return start;
    }

    @Override
    public T get(int index) {
        return items.get(index);
    }

    @Override
    public int size() {
        return items.size();
    }

    /** That of the list itself, which need not be one with fast access by index. */
    @Override
    public Iterator<T> iterator() {
        return items.iterator();
    }

    @Override
    public Share<T> subList(int from, int to) {
        return new Share<>(items.subList(from, to), start + from);
    }
}
