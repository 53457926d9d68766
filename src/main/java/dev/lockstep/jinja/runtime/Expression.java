package dev.lockstep.jinja.runtime;

/** A parsed expression. */
public interface Expression {
    /** Its value, with the names as this scope has them. */
    Object in(Scope scope);
}
