package dev.lockstep.jinja.runtime;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.Comparisons;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.JinjaObject;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** The variable {@code loop} of one loop; called, a recursive loop runs again, over other items. */
final class LoopContext implements Function, JinjaObject {
    private final Rendering rendering;
    private final Iterator<Object> source;
    private final int depth0;
    /** What was looked at ahead of its turn. */
    private final List<Object> ahead = new ArrayList<>();
    private final long known;
    /** What {@code loop(…)} does in a recursive loop, else null. */
    private final @Nullable Function recursion;
    private long index0 = -1;
    private @Nullable Object previous;
    private @Nullable Object current;
    private @Nullable List<Object> changed;

    LoopContext(@Nullable Object items, int depth0, @Nullable Function recursion, Rendering rendering) {
        this.rendering = rendering;
        this.source = Values.each(items, rendering);
        this.known = Values.hasLength(items) ? Values.length(items) : -1;
        this.depth0 = depth0;
        this.recursion = recursion;
        this.current = new Undefined("there is no previous item");
    }

    boolean advance() {
        if (!hasNext()) {
            return false;
        }
        previous = current;
        current = ahead.isEmpty() ? source.next() : ahead.remove(0);
        index0++;
        return true;
    }

    private boolean hasNext() {
        return !ahead.isEmpty() || source.hasNext();
    }

    @Nullable
    Object item() {
        return current;
    }

    @Override
    public @Nullable Object call(Arguments arguments) {
        if (recursion == null) {
            throw new TemplateException("The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.call(arguments);
    }

    @Override
    public String className() {
        return "jinja2.runtime.LoopContext";
    }

    @Override
    public boolean isIterable() {
        return true;
    }

    @Override
    public void repr(Rendering r, StringBuilder out) {
        out.append("<LoopContext ").append(index()).append('/').append(length()).append('>');
    }

    private long index() {
        return index0 + 1;
    }

    private long length() {
        if (known >= 0) {
            return known;
        }
        while (source.hasNext()) {
            rendering.items(1);
            ahead.add(source.next());
        }
        return index0 + 1 + ahead.size();
    }

    private @Nullable Object next() {
        if (ahead.isEmpty() && source.hasNext()) {
            ahead.add(source.next());
        }
        return ahead.isEmpty() ? new Undefined("there is no next item") : ahead.get(0);
    }

    @Override
    public @Nullable Object attribute(String name) {
        return switch (name) {
            case "index" -> index();
            case "index0" -> index0;
            case "revindex" -> length() - index0;
            case "revindex0" -> length() - index0 - 1;
            case "first" -> index0 == 0;
            case "last" -> !hasNext();
            case "length" -> length();
            case "depth" -> depth0 + 1L;
            case "depth0" -> (long) depth0;
            case "previtem" -> previous;
            case "nextitem" -> next();
            case "cycle" -> (Function) this::cycle;
            case "changed" -> (Function) this::changed;
            default -> Undefined.of(this, name);
        };
    }

    private @Nullable Object cycle(Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw new TemplateException("no items for cycling given");
        }
        return arguments.positional().get((int) (index0 % arguments.positional().size()));
    }

    private Object changed(Arguments arguments) {
        boolean same = changed != null
                && Comparisons.equal(Tuple.of(changed), Tuple.of(arguments.positional()), rendering);
        changed = arguments.positional();
        return !same;
    }
}
