package dev.lockstep.model.jinja;

/** Something that a template may call: a macro, a method bound to its object, a function of the environment. */
interface Function {
    Object call(Arguments arguments);
}
