package dev.lockstep.jinja;

import java.util.List;
import java.util.Map;

/** The variable {@code self}: a template's blocks, to be shown again. */
record Blocks(Map<String, List<Statement>> bodies, Scope top) implements JinjaObject {
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
