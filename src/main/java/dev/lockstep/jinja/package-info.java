/**
 * Jinja as far as chat templates go, exactly as Python's jinja2 renders them for transformers. The Java libraries for
 * Jinja have a dialect of their own: jinjava 2.8.4 has no slice with a step, not Python's string methods, no expression as
 * a named argument and no difference between undefined and none, which the published templates of Qwen 3 and Mistral rely
 * on, and it brings 27 other libraries.
 *
 * <p>
 * Begin at {@link dev.lockstep.jinja.Template}, which is what others use. It knows all rooms: {@code syntax} reads a
 * template into what {@code runtime} runs, with {@code filters}; all of them work on Python's values, whose operators and
 * methods are in {@code python}; whatever takes time or memory asks the {@code rendering} first.
 */
@NullMarked
package dev.lockstep.jinja;

import org.jspecify.annotations.NullMarked;
