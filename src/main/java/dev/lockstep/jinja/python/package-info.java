/**
 * What Python does with its values: operators, attributes and indices, the methods of str, int, float, list and dict, the
 * ways to format, and what templates see of its libraries (json, textwrap, strftime). Uses {@code python.values} and
 * {@code rendering}. Begin at {@link dev.lockstep.jinja.python.Lookup} and {@link dev.lockstep.jinja.python.Arithmetic}.
 */
@NullMarked
package dev.lockstep.jinja.python;

import org.jspecify.annotations.NullMarked;
