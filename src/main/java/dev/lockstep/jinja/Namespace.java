package dev.lockstep.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code namespace()} gives: the only object whose attributes a template can set, from within any scope. */
final class Namespace implements JinjaObject {
    private final Map<String, Object> attributes = new LinkedHashMap<>();

    void set(String name, Object value) {
        attributes.put(name, value);
    }

    @Override
    public String className() {
        return "jinja2.utils.Namespace";
    }

    @Override
    public Object attribute(String name) {
        return attributes.containsKey(name) ? attributes.get(name) : Undefined.of(this, name);
    }

    @Override
    public void repr(Rendering rendering, StringBuilder out) {
        out.append("<Namespace ");
        Text.entries(attributes, rendering, out);
        out.append('>');
    }
}
