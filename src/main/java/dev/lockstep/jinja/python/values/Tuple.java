package dev.lockstep.jinja.python.values;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

/** Python's tuple: a list of another kind, which prints in parentheses and can be a key. */
public final class Tuple extends AbstractList<Object> {
    private final List<Object> items;
    private final boolean group;

    private Tuple(List<Object> items, boolean group) {
        this.items = items;
        this.group = group;
    }

    /** Keeps the list, which nobody may change from now on. */
    public static Tuple of(List<Object> items) {
        return new Tuple(items, false);
    }

    /** A pair. */
    public static Tuple of(@Nullable Object first, @Nullable Object second) {
        return new Tuple(Arrays.asList(first, second), false);
    }

    /** A tuple of three. */
    public static Tuple of(@Nullable Object first, @Nullable Object second, @Nullable Object third) {
        return new Tuple(Arrays.asList(first, second, third), false);
    }

    /** What {@code groupby} gives: a tuple whose items have names besides. */
    public static Tuple group(@Nullable Object grouper, List<Object> list) {
        return new Tuple(Arrays.asList(grouper, list), true);
    }

    /** Whether it is one of {@code groupby}, with a {@code grouper} and a {@code list}. */
    public boolean isGroup() {
        return group;
    }

    @Override
    public @Nullable Object get(int index) {
        return items.get(index);
    }

    @Override
    public int size() {
        return items.size();
    }
}
