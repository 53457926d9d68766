package dev.lockstep.jinja.runtime;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.JinjaObject;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.rendering.TemplateException;

/** What {@code cycler(…)} gives: its items in turn, over and over. */
public final class Cycler implements JinjaObject {
    private final List<Object> items;
    private int at;

    /**
     * @throws TemplateException where there are no items
     */
    public Cycler(List<Object> items) {
        this.items = items;
        if (items.isEmpty()) {
            throw new TemplateException("at least one item has to be provided");
        }
    }

    @Override
    public String className() {
        return "jinja2.utils.Cycler";
    }

    @Override
    public @Nullable Object attribute(String name) {
        return switch (name) {
            case "current" -> items.get(at);
            case "pos" -> (long) at;
            case "items" -> Tuple.of(items);
            case "next" -> Function.of(name, "", arguments -> {
                Object item = items.get(at);
                at = (at + 1) % items.size();
                return item;
            });
            case "reset" -> Function.of(name, "", arguments -> {
                at = 0;
                return null;
            });
            default -> Undefined.of(this, name);
        };
    }
}
