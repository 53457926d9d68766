/**
 * Python's values as Java's objects: what types there are, what is true, how long something is, what a {@code for} goes
 * through, which keys are the same, and how a value is written. None is null, in lists and maps too. Jinja's own objects
 * take part through {@link dev.lockstep.jinja.python.values.JinjaObject}. Uses only {@code rendering}. Begin at
 * {@link dev.lockstep.jinja.python.values.Values}.
 */
@NullMarked
package dev.lockstep.jinja.python.values;

import org.jspecify.annotations.NullMarked;
