package dev.lockstep.jinja.python.values;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/**
 * What a function, filter or test is called with.
 *
 * @param rendering the one that the call is part of
 */
public record Arguments(List<Object> positional, Map<String, Object> named, Rendering rendering) {
    /** Those of a call without any. */
    public static Arguments none(Rendering rendering) {
        return new Arguments(List.of(), Map.of(), rendering);
    }

    /**
     * These arguments, each at its place and by its name.
     *
     * @param signature the names of what can be given, in their order; after a {@code *} anything goes
     * @throws TemplateException naming an argument that the function does not have
     */
    public Arguments as(String function, String signature) {
        if (signature.endsWith("*")) {
            return this;
        }
        String[] names = signature.isEmpty() ? new String[0] : signature.split(" ");
        if (positional.size() > names.length) {
            throw new TemplateException(function + " takes at most " + names.length + " arguments, not "
                    + positional.size());
        }
        Map<String, Object> all = new HashMap<>(named);
        for (int i = 0; i < positional.size(); i++) {
            if (all.containsKey(names[i])) {
                throw new TemplateException(function + " got two values for its argument '" + names[i] + "'");
            }
            all.put(names[i], positional.get(i));
        }
        for (String name : named.keySet()) {
            if (!List.of(names).contains(name)) {
                throw new TemplateException(function + "() got an unexpected keyword argument '" + name + "'");
            }
        }
        return new Arguments(positional, all, rendering);
    }

    /** Whether an argument of this name is given. */
    public boolean has(String name) {
        return named.containsKey(name);
    }

    /** The argument of this name, else what the function assumes. */
    public @Nullable Object get(String name, @Nullable Object otherwise) {
        return named.getOrDefault(name, otherwise);
    }

    /** Whether an argument is given that is true. */
    public boolean flag(String name) {
        return Values.isTrue(get(name, false));
    }

    /**
     * @throws TemplateException when there is no argument of this name
     */
    public @Nullable Object require(String name) {
        if (!named.containsKey(name)) {
            throw new TemplateException("the argument '" + name + "' is missing");
        }
        return named.get(name);
    }

    /**
     * @throws TemplateException when there is no argument of this name or it is no string
     */
    public String text(String name) {
        return Values.requireText(require(name));
    }

    /** A number as a position or count, those beyond what Java can index at its end. */
    public int integer(String name, long otherwise) {
        long value = Values.requireInteger(get(name, otherwise));
        return (int) Math.max(-Integer.MAX_VALUE, Math.min(Integer.MAX_VALUE, value));
    }

    /** All but the first positional ones. */
    public Arguments after(int first) {
        return new Arguments(positional.subList(Math.min(first, positional.size()), positional.size()), named,
                rendering);
    }
}
