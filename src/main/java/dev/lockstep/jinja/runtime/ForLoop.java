package dev.lockstep.jinja.runtime;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.PythonGenerator;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;

/**
 * A loop.
 *
 * @param condition which items it takes, null for all
 * @param otherwise what runs where the body did not run to its end once
 */
public record ForLoop(AssignmentTarget target, Expression items, @Nullable Expression condition, boolean recursive,
        List<Statement> body, List<Statement> otherwise) implements Statement {
    @Override
    public Flow run(Scope scope, StringBuilder out) {
        over(items.in(scope), 0, scope, out);
        return Flow.ON;
    }

    private void over(@Nullable Object values, int depth, Scope scope, StringBuilder out) {
        Rendering r = scope.rendering();
        Object kept = condition == null ? values : filtered(values, condition, scope);
        Function recursion = recursive
                ? Function.of("loop", "iterable", a -> again(a.require("iterable"), depth + 1, scope))
                : null;
        LoopContext loop = new LoopContext(kept, depth, recursion, r);
        boolean done = false;
        while (loop.advance()) {
            Scope inner = scope.inner();
            inner.set("loop", loop);
            target.assign(loop.item(), inner);
            Flow flow = Statement.runAll(body, inner, out);
            if (flow == Flow.BREAK) {
                break;
            }
            done |= flow == Flow.ON;
        }
        if (!done) {
            Statement.runAll(otherwise, scope.inner(), out);
        }
    }

    private Object again(@Nullable Object values, int depth, Scope scope) {
        Rendering r = scope.rendering();
        r.enter();
        r.enter();
        StringBuilder out = new StringBuilder();
        over(values, depth, scope, out);
        r.characters(out.length());
        r.leave();
        r.leave();
        return r.autoescapes() ? new Markup(out.toString()) : out.toString();
    }

    private PythonGenerator filtered(@Nullable Object values, Expression wanted, Scope scope) {
        Rendering r = scope.rendering();
        return PythonGenerator.filtered(Values.each(values, r), item -> {
            Scope inner = scope.inner();
            target.assign(item, inner);
            return Values.isTrue(wanted.in(inner));
        }, r);
    }
}
