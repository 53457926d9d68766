package dev.lockstep.model.jinja;

import java.util.List;

/** A parsed piece of a template. */
interface Statement {
    /** How a statement ended. */
    enum Flow {
        ON, BREAK, CONTINUE
    }

    Flow run(Scope scope, StringBuilder out);

    static Flow runAll(List<Statement> statements, Scope scope, StringBuilder out) {
        for (Statement statement : statements) {
            Flow flow = statement.run(scope, out);
            if (flow != Flow.ON) {
                return flow;
            }
        }
        return Flow.ON;
    }

    static String render(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        runAll(statements, scope, out);
        return out.toString();
    }
}
