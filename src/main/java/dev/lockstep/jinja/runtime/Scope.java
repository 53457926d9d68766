package dev.lockstep.jinja.runtime;

import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.rendering.Rendering;

/** Names and their values; what an inner scope sets, the outer one does not see. */
public final class Scope {
    private final @Nullable Scope outer;
    private final Map<String, Object> values;
    private final Rendering rendering;

    private Scope(@Nullable Scope outer, Map<String, Object> values, Rendering rendering) {
        this.outer = outer;
        this.values = values;
        this.rendering = rendering;
    }

    /** The outermost scope of one rendering; copies the values. */
    public static Scope of(Map<String, Object> values, Rendering rendering) {
        return new Scope(null, new HashMap<>(values), rendering);
    }

    /** A new scope within this one, empty. */
    public Scope inner() {
        return new Scope(this, new HashMap<>(), rendering);
    }

    /** The template's own scope, around which there is only what it is given. */
    public Scope top() {
        Scope scope = this;
        while (scope.outer != null && scope.outer.outer != null) {
            scope = scope.outer;
        }
        return scope;
    }

    /** The rendering that all scopes within one another are part of. */
    public Rendering rendering() {
        return rendering;
    }

    /** The value nearest to here, undefined where no scope has the name. */
    public @Nullable Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            Object value = scope.values.get(name);
            if (value != null || scope.values.containsKey(name)) {
                return value;
            }
        }
        return Undefined.name(name);
    }

    /** Sets the name in this scope, whatever outer ones have. */
    public void set(String name, @Nullable Object value) {
        values.put(name, value);
    }
}
