/**
 * What a parsed template is made of and what it runs with: statements and expressions, the scope of names, and Jinja's
 * objects such as {@code loop}, macros and namespaces. Uses {@code python}, {@code python.values} and {@code rendering}, and
 * knows neither the syntax nor the filters. Begin at {@link dev.lockstep.jinja.runtime.Statement} and
 * {@link dev.lockstep.jinja.runtime.ForLoop}.
 */
@NullMarked
package dev.lockstep.jinja.runtime;

import org.jspecify.annotations.NullMarked;
