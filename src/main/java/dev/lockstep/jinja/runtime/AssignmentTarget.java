package dev.lockstep.jinja.runtime;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.TemplateException;

/** What a value is assigned to: a name, an attribute of a namespace, or several of such, over which it is spread. */
public interface AssignmentTarget {
    void assign(@Nullable Object value, Scope scope);

    /** A name, in the scope of the assignment. */
    static AssignmentTarget name(String name) {
        return (value, scope) -> scope.set(name, value);
    }

    /** An attribute of the namespace that a name stands for. */
    static AssignmentTarget attribute(String of, String name) {
        return (value, scope) -> {
            if (!(scope.get(of)instanceof Namespace namespace)) {
                throw new TemplateException("cannot assign attribute on non-namespace object");
            }
            namespace.set(name, value);
        };
    }

    /** One target for each item of the value, which must have as many. */
    static AssignmentTarget several(List<AssignmentTarget> targets) {
        return (value, scope) -> {
            List<Object> values = Values.list(value, scope.rendering());
            int expected = targets.size();
            if (values.size() != expected) {
                throw new TemplateException(values.size() > expected
                        ? "too many values to unpack (expected " + expected + ")"
                        : "not enough values to unpack (expected " + expected + ", got " + values.size() + ")");
            }
            for (int i = 0; i < expected; i++) {
                targets.get(i).assign(values.get(i), scope);
            }
        };
    }
}
