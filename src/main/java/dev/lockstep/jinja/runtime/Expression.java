package dev.lockstep.jinja.runtime;

/** A parsed expression. */
public interface Expression {
    Object in(Scope scope);
}
