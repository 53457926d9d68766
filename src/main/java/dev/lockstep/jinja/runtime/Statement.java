package dev.lockstep.jinja.runtime;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.rendering.Rendering;

/** A parsed piece of a template. */
public interface Statement {
    /** How a statement ended. */
    enum Flow {
        ON, BREAK, CONTINUE
    }

    /** Appends what it prints. */
    Flow run(Scope scope, StringBuilder out);

    /** Runs one after the other, up to the first that breaks or continues a loop. */
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

    /** The text that some statements print. */
    static String render(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        runAll(statements, scope, out);
        scope.rendering().characters(out.length());
        return out.toString();
    }

    /** The text of some statements as a value, which is HTML where texts are escaped. */
    static Object value(List<Statement> statements, Scope scope) {
        String text = render(statements, scope);
        return scope.rendering().autoescapes() ? new Markup(text) : text;
    }

    /** Appends a value as {@code {{ value }}} prints it. */
    static void print(@Nullable Object value, Scope scope, StringBuilder out) {
        Rendering rendering = scope.rendering();
        String text = Markup.beside(value, rendering.autoescapes(), rendering);
        rendering.characters(text.length());
        out.append(text);
    }
}
