package dev.lockstep.jinja.python.values;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.TemplateException;
/** Something that a template may call: a macro, a method bound to its object, a function of the environment. */
public interface Function {
    @Nullable
    Object call(Arguments arguments);

    /** A function with named parameters, see {@link Arguments#as}. */
    static Function of(String name, String signature, Function body) {
        return arguments -> body.call(arguments.as(name, signature));
    }

    /** What Python has and this has not: using it is an error that says so. */
    static Function refused(String sentence) {
        return arguments -> {
            throw new TemplateException(sentence);
        };
    }
}
