package dev.lockstep.jinja.runtime;

import java.util.List;

import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.rendering.Rendering;

/** A parsed piece of a template. */
public interface Statement {
    /** How a statement ended. */
    enum Flow {
        ON, BREAK, CONTINUE
    }

    Flow run(Scope scope, StringBuilder out);

    static Flow runAll(List<Statement> statements, Scope scope, StringBuilder out) {
        Rendering rendering = scope.rendering();
        rendering.enter();
        for (Statement statement : statements) {
            rendering.step();
            Flow flow = statement.run(scope, out);
            if (flow != Flow.ON) {
                rendering.leave();
                return flow;
            }
        }
        rendering.leave();
        return Flow.ON;
    }

    static String render(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        runAll(statements, scope, out);
        scope.rendering().characters(out.length());
        return out.toString();
    }

    /** The text of some statements as a value, which is HTML where texts are escaped. */
    static Object value(List<Statement> statements, Scope scope) {
        String text = render(statements, scope);
        return scope.rendering().autoescape ? new Markup(text) : text;
    }

    static void print(Object value, Scope scope, StringBuilder out) {
        Rendering rendering = scope.rendering();
        String text = Markup.beside(value, rendering.autoescape, rendering);
        rendering.characters(text.length());
        out.append(text);
    }
}
