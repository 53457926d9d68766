/**
 * Python's values as Java's objects: what types there are, what is true, how long something is, what a {@code for} goes
 * through, which keys are the same, and how a value is written. Jinja's own objects take part through
 * {@link dev.lockstep.jinja.python.values.JinjaObject}. Uses only {@code rendering}. Begin at
 * {@link dev.lockstep.jinja.python.values.Values}.
 */
package dev.lockstep.jinja.python.values;
