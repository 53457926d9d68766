package dev.lockstep.jinja.runtime;

import org.jspecify.annotations.Nullable;

/** A parsed expression. */
public interface Expression {
    /** Its value, with the names as this scope has them. */
    @Nullable
    Object in(Scope scope);
}
