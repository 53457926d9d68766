package dev.lockstep.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A chat template, rendered as transformers renders it: jinja2's {@code ImmutableSandboxedEnvironment} with
 * {@code trim_blocks} and {@code lstrip_blocks}, loop controls, the tag {@code generation}, the filter {@code tojson}
 * without HTML's escapes, {@code raise_exception} and {@code strftime_now}. Safe for use by many threads.
 *
 * <p>
 * Left out, as no chat template can use it or none does: other templates (inheritance, imports, inclusion), translation,
 * bytes, and what gives another text each time. A template is not trusted: one that goes on for too long, or makes too
 * much, is refused like one with a fault.
 */
public final class Template {
    /** Beyond any real one, whose longest are near 100,000 characters. */
    private static final int LONGEST = 1_000_000;

    private final Parser.Parsed parsed;

    private Template(Parser.Parsed parsed) {
        this.parsed = parsed;
    }

    /**
     * @throws TemplateException naming the line, when this is no template or one with something that is not supported
     */
    public static Template parse(String source) {
        if (source.length() > LONGEST) {
            throw new TemplateException("it has more than " + LONGEST + " characters");
        }
        return new Template(guarded(() -> Parser.parse(source)));
    }

    /**
     * @param values null, Boolean, Long, BigInteger, Double, String, and List and Map of such, by their names
     * @param clock  what {@code strftime_now} looks at
     * @throws TemplateException with the template's own words where it calls {@code raise_exception}; also when it does
     *                           more than a template of a conversation as long as this one has to
     */
    public String render(Map<String, Object> values, Clock clock) {
        Size size = new Size();
        size.add(values);
        Rendering rendering = new Rendering(size.longest, size.characters);
        Map<String, Object> all = environment(clock);
        all.putAll(values);
        Scope given = Scope.of(all, rendering);
        Scope top = given.inner();
        given.set("self", all.containsKey("self") ? all.get("self") : new Blocks(parsed.blocks(), top));
        return guarded(() -> Statement.render(parsed.body(), top));
    }

    /** Whatever goes wrong is the template's error and one sentence. */
    private static <T> T guarded(Supplier<T> work) {
        try {
            return work.get();
        } catch (TemplateException e) {
            throw e;
        } catch (StackOverflowError e) {
            throw new TemplateException("the template calls itself without an end", e);
        } catch (OutOfMemoryError e) {
            throw new TemplateException("the template needs more memory than there is", e);
        } catch (RuntimeException e) {
            throw new TemplateException("an operation in the template fails: " + e, e);
        }
    }

    /** How much a template is given. */
    private static final class Size {
        private long longest;
        private long characters;

        private void add(Object value) {
            if (value instanceof String text) {
                characters += text.length();
            } else if (value instanceof List<?> list) {
                addAll(list);
            } else if (value instanceof Map<?, ?> map) {
                addAll(map.keySet());
                addAll(map.values());
            }
        }

        private void addAll(Collection<?> values) {
            longest = Math.max(longest, values.size());
            values.forEach(this::add);
        }
    }

    private static Map<String, Object> environment(Clock clock) {
        Map<String, Function> functions = new LinkedHashMap<>();
        functions.put("range", Template::range);
        functions.put("dict", Methods::dict);
        functions.put("namespace", arguments -> {
            Namespace namespace = new Namespace();
            Methods.dict(arguments).forEach(
                    (name, value) -> namespace.attributes.put(Values.requireText(name), value));
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
            throw new TemplateException(Text.str(arguments.require("message"), arguments.rendering()));
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
