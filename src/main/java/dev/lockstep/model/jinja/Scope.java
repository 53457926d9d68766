package dev.lockstep.model.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names and their values; what an inner scope sets, the outer one does not see. */
final class Scope {
    private final Scope outer;
    private final Map<String, Object> values;

    private Scope(Scope outer, Map<String, Object> values) {
        this.outer = outer;
        this.values = values;
    }

    static Scope of(Map<String, Object> values) {
        return new Scope(null, new HashMap<>(values));
    }

    Scope inner() {
        return new Scope(this, new HashMap<>());
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            if (scope.values.containsKey(name)) {
                return scope.values.get(name);
            }
        }
        return Undefined.name(name);
    }

    void set(String name, Object value) {
        values.put(name, value);
    }
}
