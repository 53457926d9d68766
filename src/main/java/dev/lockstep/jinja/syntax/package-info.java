/**
 * A template's text to what can be run: characters to tokens, tokens to statements and expressions. Filters and tests are
 * looked up while parsing, so that a name that does not exist is told with its line. Uses every other room but the one
 * around it. Begin at {@link dev.lockstep.jinja.syntax.Parser}.
 */
@NullMarked
package dev.lockstep.jinja.syntax;

import org.jspecify.annotations.NullMarked;
