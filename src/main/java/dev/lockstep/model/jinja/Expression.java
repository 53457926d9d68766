package dev.lockstep.model.jinja;

/** A parsed expression. */
interface Expression {
    Object in(Scope scope);
}
