package dev.lockstep.jinja.runtime;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

import dev.lockstep.jinja.python.values.DictKeys;
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
public record ForLoop(AssignmentTarget target, Expression items, Expression condition, boolean recursive,
        List<Statement> body,
        List<Statement> otherwise) implements Statement {
    @Override
    public Flow run(Scope scope, StringBuilder out) {
        over(items.in(scope), 0, scope, out);
        return Flow.ON;
    }

    private void over(Object values, int depth, Scope scope, StringBuilder out) {
        Rendering r = scope.rendering();
        Object kept = condition == null ? values : new PythonGenerator(filtered(values, scope), r);
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

    private Object again(Object values, int depth, Scope scope) {
        Rendering r = scope.rendering();
        r.enter();
        r.enter();
        StringBuilder out = new StringBuilder();
        over(values, depth, scope, out);
        r.characters(out.length());
        r.leave();
        r.leave();
        return r.autoescape ? new Markup(out.toString()) : out.toString();
    }

    private Iterator<Object> filtered(Object values, Scope scope) {
        Iterator<Object> all = Values.each(values, scope.rendering());
        return new Iterator<>() {
            private Object next = DictKeys.NONE;

            @Override
            public boolean hasNext() {
                while (next == DictKeys.NONE && all.hasNext()) {
                    Object item = all.next();
                    Scope inner = scope.inner();
                    target.assign(item, inner);
                    next = Values.isTrue(condition.in(inner)) ? item : DictKeys.NONE;
                }
                return next != DictKeys.NONE;
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Object item = next;
                next = DictKeys.NONE;
                return item;
            }
        };
    }
}
