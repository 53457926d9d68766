package dev.lockstep.jinja.runtime;

import java.util.List;
import java.util.Map;

import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.JinjaObject;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.rendering.Rendering;

/** The variable {@code self}: a template's blocks, to be shown again. */
public record TemplateReference(Map<String, List<Statement>> bodies, Scope top) implements JinjaObject {
    @Override
    public String className() {
        return "jinja2.runtime.TemplateReference";
    }

    @Override
    public void repr(Rendering rendering, StringBuilder out) {
        out.append("<TemplateReference None>");
    }

    @Override
    public Object attribute(String name) {
        List<Statement> body = bodies.get(name);
        if (body == null) {
            return Undefined.of(this, name);
        }
        return Function.of(name, "", arguments -> Statement.value(body, top.inner()));
    }
}
