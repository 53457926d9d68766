package dev.lockstep.model.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The arguments of a call as they are written. */
record ArgumentList(List<Expression> positional, Map<String, Expression> named) {
    Arguments in(Scope scope) {
        List<Object> values = new ArrayList<>();
        positional.forEach(value -> values.add(value.in(scope)));
        Map<String, Object> names = new LinkedHashMap<>();
        named.forEach((name, value) -> names.put(name, value.in(scope)));
        return new Arguments(values, names);
    }
}
