package dev.lockstep.jinja;

import java.util.Map;

/**
 * The value of a name or attribute that is not there: prints as nothing, is false and empty, and anything else done with
 * it is an error.
 *
 * @param why the sentence of that error
 */
record Undefined(String why) {
    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    static Undefined of(Object value, Object key) {
        String owner = value == null
                ? "None"
                : value instanceof JinjaObject object
                        ? object.className() + " object"
                        : (value instanceof Map ? "dict" : Values.type(value)) + " object";
        String text = Values.text(key);
        return new Undefined(text == null
                ? owner + " has no element " + (Values.isNumber(key) ? Text.number(key) : "of type " + Values.type(key))
                : "'" + owner + "' has no attribute " + Text.quoted(text));
    }

    static Undefined unsafe(Object value, String name) {
        return new Undefined("access to attribute " + Text.quoted(name) + " of '" + Values.type(value)
                + "' object is unsafe.");
    }
}
