package dev.lockstep.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import dev.lockstep.jinja.python.DictMethods;
import dev.lockstep.jinja.python.Strftime;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Range;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.runtime.Cycler;
import dev.lockstep.jinja.runtime.Namespace;

/** The functions that every template can call: Jinja's, Python's and those that transformers adds. */
final class Globals {
    private Globals() {}

    /** By their names, for one rendering. */
    static Map<String, Object> all(Clock clock) {
        Map<String, Function> functions = new LinkedHashMap<>();
        functions.put("range", Globals::range);
        functions.put("dict", DictMethods::dict);
        functions.put("namespace", arguments -> {
            Namespace namespace = new Namespace();
            DictMethods.dict(arguments).forEach((name, value) -> namespace.set(Values.requireText(name), value));
            return namespace;
        });
        functions.put("cycler", arguments -> new Cycler(arguments.positional()));
        functions.put("joiner", Function.of("joiner", "sep", arguments -> {
            Object separator = arguments.get("sep", ", ");
            boolean[] used = {false};
            return Function.of("joiner", "", none -> {
                boolean first = !used[0];
                used[0] = true;
                return first ? "" : separator;
            });
        }));
        functions.put("lipsum", Function.refused(
                "the function lipsum is not supported: no two runs would give the same prompt"));
        functions.put("raise_exception", Function.of("raise_exception", "message", arguments -> {
            throw new TemplateException(Repr.str(arguments.require("message"), arguments.rendering()));
        }));
        functions.put("strftime_now", Function.of("strftime_now", "format",
                arguments -> Strftime.format(LocalDateTime.now(clock), arguments.text("format"))));
        return new HashMap<>(functions);
    }

    private static Object range(Arguments arguments) {
        List<Object> bounds = arguments.positional();
        if (bounds.isEmpty() || bounds.size() > 3 || !arguments.named().isEmpty()) {
            throw new TemplateException("range takes 1 to 3 numbers");
        }
        long first = Values.requireInteger(bounds.get(0));
        return bounds.size() == 1
                ? Range.of(0, first, 1)
                : Range.of(first, Values.requireInteger(bounds.get(1)),
                        bounds.size() > 2 ? Values.requireInteger(bounds.get(2)) : 1);
    }
}
