package dev.lockstep.jinja.runtime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.TemplateException;

/**
 * The arguments of a call as they are written.
 *
 * @param rest  what stands after {@code *}, null where nothing does
 * @param names what stands after {@code **}, null where nothing does
 */
public record ArgumentExpressions(List<Expression> positional, Map<String, Expression> named, @Nullable Expression rest,
        @Nullable Expression names) {
    /** A call without arguments. */
    public static final ArgumentExpressions NONE = new ArgumentExpressions(List.of(), Map.of(), null, null);

    /** What the function gets when it is called from this scope. */
    public Arguments in(Scope scope) {
        if (equals(NONE)) {
            return Arguments.none(scope.rendering());
        }
        List<Object> values = new ArrayList<>(positional.size());
        positional.forEach(value -> values.add(value.in(scope)));
        Map<String, Object> all = new LinkedHashMap<>();
        named.forEach((name, value) -> all.put(name, value.in(scope)));
        if (rest != null) {
            values.addAll(Values.list(rest.in(scope), scope.rendering()));
        }
        if (names != null) {
            if (!(Values.defined(names.in(scope))instanceof Map<?, ?> map)) {
                throw new TemplateException("what stands after ** in a call must be a mapping");
            }
            map.forEach((name, value) -> {
                if (all.put(Values.requireText(name), value) != null) {
                    throw new TemplateException("got multiple values for keyword argument '" + name + "'");
                }
            });
        }
        return new Arguments(values, all, scope.rendering());
    }
}
