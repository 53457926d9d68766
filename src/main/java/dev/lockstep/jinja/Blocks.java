package dev.lockstep.jinja;

import java.util.List;
import java.util.Map;

/** The variable {@code self}: a template's blocks, to be shown again. */
record Blocks(Map<String, List<Statement>> bodies, Scope top) {
    Object attribute(String name) {
        List<Statement> body = bodies.get(name);
        if (body == null) {
            return new Undefined("'jinja2.runtime.TemplateReference object' has no attribute '" + name + "'");
        }
        return Function.of(name, "", arguments -> Statement.value(body, top.inner()));
    }
}
