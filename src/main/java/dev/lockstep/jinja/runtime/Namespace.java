package dev.lockstep.jinja.runtime;

import java.util.LinkedHashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.JinjaObject;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.rendering.Rendering;

/** What {@code namespace()} gives: the only object whose attributes a template can set, from within any scope. */
public final class Namespace implements JinjaObject {
    private final Map<String, Object> attributes = new LinkedHashMap<>();

    /** Sets an attribute, a new one or one that is there. */
    public void set(String name, @Nullable Object value) {
        attributes.put(name, value);
    }

    @Override
    public String className() {
        return "jinja2.utils.Namespace";
    }

    @Override
    public @Nullable Object attribute(String name) {
        return attributes.containsKey(name) ? attributes.get(name) : Undefined.of(this, name);
    }

    @Override
    public void repr(Rendering rendering, StringBuilder out) {
        out.append("<Namespace ");
        Repr.entries(attributes, rendering, out);
        out.append('>');
    }
}
