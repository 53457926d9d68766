package dev.lockstep.jinja;

/** A parsed expression. */
interface Expression {
    Object in(Scope scope);
}
