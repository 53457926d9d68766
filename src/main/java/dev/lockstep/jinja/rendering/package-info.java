/**
 * What everything else here needs: one rendering with what is still allowed to it, and the exception that a template ends
 * with. Uses nothing. Begin at {@link dev.lockstep.jinja.rendering.Rendering}.
 */
@NullMarked
package dev.lockstep.jinja.rendering;

import org.jspecify.annotations.NullMarked;
