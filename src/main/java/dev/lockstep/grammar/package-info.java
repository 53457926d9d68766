/**
 * Texts that fit a regular expression or a JSON schema, as automata over their bytes.
 *
 * @see dev.lockstep.grammar.Grammar
 */
@NullMarked
package dev.lockstep.grammar;

import org.jspecify.annotations.NullMarked;
