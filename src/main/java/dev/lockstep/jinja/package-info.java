/**
 * Jinja as far as chat templates go, exactly as Python's jinja2 renders them for transformers. The Java libraries for
 * Jinja have a dialect of their own: jinjava 2.8.4 has no slice with a step, not Python's string methods, no expression as
 * a named argument and no difference between undefined and none, which the published templates of Qwen 3 and Mistral rely
 * on, and it brings 27 other libraries.
 */
package dev.lockstep.jinja;
