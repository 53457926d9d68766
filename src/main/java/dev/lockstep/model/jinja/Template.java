package dev.lockstep.model.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A chat template, rendered as transformers renders it: jinja2's {@code ImmutableSandboxedEnvironment} with
 * {@code trim_blocks} and {@code lstrip_blocks}, loop controls, the tag {@code generation}, the filter {@code tojson}
 * without HTML's escapes, {@code raise_exception} and {@code strftime_now}. Safe for use by many threads.
 *
 * <p>
 * Left out, as no chat template can use it or none does: inheritance, imports, recursive loops, translation and filters
 * that make HTML.
 */
public final class Template {
    /** The sandbox's limit. */
    private static final int LONGEST_RANGE = 100_000;

    private final List<Statement> body;

    private Template(List<Statement> body) {
        this.body = body;
    }

    /**
     * @throws TemplateException naming the line, when this is no template or one with something that is not supported
     */
    public static Template parse(String source) {
        return new Template(Parser.parse(source));
    }

    /**
     * @param values null, Boolean, Long, BigInteger, Double, String, and List and Map of such, by their names
     * @param clock  what {@code strftime_now} looks at
     * @throws TemplateException with the template's own words where it calls {@code raise_exception}
     */
    public String render(Map<String, Object> values, Clock clock) {
        Map<String, Object> all = environment(clock);
        all.putAll(values);
        try {
            return Statement.render(body, Scope.of(all).inner());
        } catch (StackOverflowError e) {
            throw new TemplateException("the template calls itself without an end", e);
        }
    }

    private static Map<String, Object> environment(Clock clock) {
        Map<String, Function> functions = new LinkedHashMap<>();
        functions.put("range", Template::range);
        functions.put("dict", arguments -> new LinkedHashMap<Object, Object>(arguments.named()));
        functions.put("namespace", arguments -> {
            Namespace namespace = new Namespace();
            if (arguments.get(0, "", null)instanceof Map<?, ?> map) {
                map.forEach((name, value) -> namespace.attributes.put(Text.str(name), value));
            }
            namespace.attributes.putAll(arguments.named());
            return namespace;
        });
        functions.put("raise_exception", arguments -> {
            throw new TemplateException(Text.str(arguments.require(0, "message")));
        });
        functions.put("strftime_now", arguments -> strftime(LocalDateTime.now(clock), arguments.text(0, "format")));
        return new LinkedHashMap<>(functions);
    }

    private static Object range(Arguments arguments) {
        boolean one = arguments.positional().size() == 1;
        long start = one ? 0 : Values.requireInteger(arguments.require(0, "start"));
        long stop = Values.requireInteger(arguments.require(one ? 0 : 1, "stop"));
        long step = Values.requireInteger(arguments.get(2, "step", 1L));
        if (step == 0) {
            throw new TemplateException("range() arg 3 must not be zero");
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            numbers.add(i);
            if (numbers.size() > LONGEST_RANGE) {
                throw new TemplateException("Range too big. The sandbox blocks ranges larger than MAX_RANGE ("
                        + LONGEST_RANGE + ").");
            }
        }
        return numbers;
    }

    private static String strftime(LocalDateTime now, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            if (format.charAt(i) != '%') {
                out.append(format.charAt(i));
                continue;
            }
            boolean unpadded = format.startsWith("-", i + 1);
            i += unpadded ? 2 : 1;
            String text = pattern(i < format.length() ? format.charAt(i) : ' ').transform(
                    pattern -> pattern.equals("%") ? "%" : DateTimeFormatter.ofPattern(pattern, Locale.US).format(now));
            out.append(unpadded ? text.replaceFirst("^0+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String pattern(char directive) {
        return switch (directive) {
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'm' -> "MM";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'd' -> "dd";
            case 'e' -> "ppd";
            case 'j' -> "DDD";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'f' -> "SSSSSS";
            case 'F' -> "yyyy-MM-dd";
            case 'T' -> "HH:mm:ss";
            case 'D' -> "MM/dd/yy";
            case '%' -> "%";
            default -> throw new TemplateException("strftime_now does not support %" + directive);
        };
    }
}
