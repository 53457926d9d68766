package dev.lockstep.jinja.python.values;

import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * The value of a name or attribute that is not there: prints as nothing, is false and empty, and anything else done with
 * it is an error.
 *
 * @param why the sentence of that error
 */
public record Undefined(String why) {
    /** A variable that nobody has set. */
    public static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    /** An attribute or item that a value does not have. */
    public static Undefined of(@Nullable Object value, @Nullable Object key) {
        String owner = value == null
                ? "None"
                : value instanceof JinjaObject object
                        ? object.className() + " object"
                        : (value instanceof Map ? "dict" : Values.type(value)) + " object";
        String text = Values.text(key);
        return new Undefined(text == null
                ? owner + " has no element " + (Values.isNumber(key) ? Repr.number(key) : "of type " + Values.type(key))
                : "'" + owner + "' has no attribute " + Repr.quoted(text));
    }

    /** An attribute that the sandbox keeps from templates. */
    public static Undefined unsafe(@Nullable Object value, String name) {
        return new Undefined("access to attribute " + Repr.quoted(name) + " of '" + Values.type(value)
                + "' object is unsafe.");
    }
}
