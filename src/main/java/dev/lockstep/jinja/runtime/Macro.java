package dev.lockstep.jinja.runtime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.JinjaObject;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/**
 * A macro, or the body of a {@code call} block.
 *
 * @param parameters with their defaults, null where there is none
 * @param uses       the names that the body mentions; it gets {@code varargs}, {@code kwargs} and {@code caller} if it
 *                   does
 * @param scope      where it is defined
 */
public record Macro(String name, Map<String, Expression> parameters, List<Statement> body, Set<String> uses,
        Scope scope)
        implements
            Function,
            JinjaObject {
    @Override
    public Object call(Arguments arguments) {
        Rendering r = arguments.rendering();
        // what Python takes of its stack for a call of a macro
        r.enter();
        r.enter();
        Scope inner = scope.inner();
        List<Object> positional = arguments.positional();
        if (positional.size() > parameters.size() && !uses.contains("varargs")) {
            throw new TemplateException("macro " + Repr.quoted(name) + " takes not more than " + parameters.size()
                    + " argument(s)");
        }
        Map<String, Object> rest = new LinkedHashMap<>(arguments.named());
        int place = 0;
        for (Map.Entry<String, Expression> parameter : parameters.entrySet()) {
            String key = parameter.getKey();
            if (place < positional.size()) {
                inner.set(key, positional.get(place));
            } else if (rest.containsKey(key)) {
                inner.set(key, rest.remove(key));
            } else if (parameter.getValue() != null) {
                inner.set(key, parameter.getValue().in(inner));
            } else {
                inner.set(key, new Undefined("parameter " + Repr.quoted(key) + " was not provided"));
            }
            place++;
        }
        if (uses.contains("caller") && !parameters.containsKey("caller")) {
            inner.set("caller", rest.containsKey("caller")
                    ? rest.remove("caller")
                    : new Undefined("No caller defined"));
        }
        if (uses.contains("varargs")) {
            inner.set("varargs", Tuple.of(new ArrayList<>(arguments.after(parameters.size()).positional())));
        }
        if (uses.contains("kwargs")) {
            inner.set("kwargs", rest);
        } else if (!rest.isEmpty()) {
            throw new TemplateException("macro " + Repr.quoted(name) + " takes no keyword argument "
                    + Repr.quoted(rest.keySet().iterator().next()));
        }
        Object text = Statement.value(body, inner);
        r.leave();
        r.leave();
        return text;
    }

    @Override
    public String className() {
        return "jinja2.runtime.Macro";
    }

    @Override
    public void repr(Rendering rendering, StringBuilder out) {
        out.append("<Macro ").append(Repr.quoted(name)).append('>');
    }

    @Override
    public Object attribute(String attribute) {
        return switch (attribute) {
            case "name" -> name;
            case "arguments" -> Tuple.of(new ArrayList<>(parameters.keySet()));
            case "catch_varargs" -> uses.contains("varargs");
            case "catch_kwargs" -> uses.contains("kwargs");
            case "caller" -> uses.contains("caller");
            default -> Undefined.of(this, attribute);
        };
    }
}
