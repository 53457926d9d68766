package dev.lockstep.model.jinja;

import java.util.List;
import java.util.Map;

/** What a function, filter or test is called with. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    int count() {
        return positional.size() + named.size();
    }

    /** The argument at this place or by this name, else what the function assumes. */
    Object get(int place, String name, Object otherwise) {
        if (place < positional.size()) {
            return positional.get(place);
        }
        return named.getOrDefault(name, otherwise);
    }

    Object require(int place, String name) {
        if (place >= positional.size() && !named.containsKey(name)) {
            throw new TemplateException("the argument '" + name + "' is missing");
        }
        return get(place, name, null);
    }

    String text(int place, String name) {
        return Values.requireText(require(place, name));
    }

    int integer(int place, String name, int otherwise) {
        return Math.toIntExact(Values.requireInteger(get(place, name, (long) otherwise)));
    }

    /** All but the first positional ones. */
    Arguments after(int first) {
        return new Arguments(positional.subList(Math.min(first, positional.size()), positional.size()), named);
    }
}
