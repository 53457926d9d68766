package dev.lockstep.model.jinja;

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

    static Undefined element(Object of, Object index) {
        return new Undefined(Values.type(of) + " object has no element " + Text.str(index));
    }

    static Undefined attribute(Object of, Object name) {
        String owner = of == null ? "None" : of instanceof Map ? "dict object" : Values.type(of) + " object";
        return new Undefined(
                "'" + owner + "' has no attribute " + (name instanceof String ? Text.repr(name) : Text.str(name)));
    }
}
