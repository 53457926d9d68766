package dev.lockstep.jinja.python.values;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;
/** A value of Jinja's own, such as {@code loop}: what it tells of itself where Python's values are known without asking. */
public interface JinjaObject {
    /** The full name of its class in Python. */
    String className();

    /** The attribute of this name, undefined where there is none. */
    @Nullable
    Object attribute(String name);

    /** Appends what Python's {@code repr} gives. */
    default void repr(Rendering rendering, StringBuilder out) {
        throw new TemplateException("a " + Values.type(this) + " has no text of its own");
    }

    /** What the test {@code iterable} says; none of them can be gone through here. */
    default boolean isIterable() {
        return false;
    }
}
