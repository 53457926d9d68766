package dev.lockstep.jinja;

import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.runtime.Scope;
import dev.lockstep.jinja.runtime.Statement;
import dev.lockstep.jinja.runtime.TemplateReference;
import dev.lockstep.jinja.syntax.Parser;

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
        Map<String, Object> all = Globals.all(clock);
        all.putAll(values);
        Scope given = Scope.of(all, rendering);
        Scope top = given.inner();
        given.set("self", all.containsKey("self") ? all.get("self") : new TemplateReference(parsed.blocks(), top));
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

        private void add(@Nullable Object value) {
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
}
