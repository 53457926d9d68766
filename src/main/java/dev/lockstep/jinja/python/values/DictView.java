package dev.lockstep.jinja.python.values;

import java.util.Iterator;
import java.util.Map;

/** What a dict's {@code keys()}, {@code values()} and {@code items()} give: goes through them, and has no index. */
public record DictView(Kind kind, Map<?, ?> map) implements Iterable<Object> {
    /** Which of the three it is. */
    public enum Kind {
        KEYS, VALUES, ITEMS
    }

    @Override
    public Iterator<Object> iterator() {
        var entries = map.entrySet().iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return entries.hasNext();
            }

            @Override
            public Object next() {
                Map.Entry<?, ?> entry = entries.next();
                return switch (kind) {
                    case KEYS -> entry.getKey();
                    case VALUES -> entry.getValue();
                    case ITEMS -> Tuple.of(entry.getKey(), entry.getValue());
                };
            }
        };
    }
}
