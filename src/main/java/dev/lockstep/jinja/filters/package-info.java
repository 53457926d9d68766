/**
 * Jinja's filters ({@code value | name}) and tests ({@code value is name}), by their names. Uses {@code python},
 * {@code python.values} and {@code rendering}. Begin at {@link dev.lockstep.jinja.filters.Filters} and
 * {@link dev.lockstep.jinja.filters.Tests}.
 */
@NullMarked
package dev.lockstep.jinja.filters;

import org.jspecify.annotations.NullMarked;
