package dev.lockstep.jinja.python;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;
/** Python's {@code str.format}. */
final class BraceFormat {
    private final boolean html;
    private final Arguments arguments;
    private final Rendering rendering;
    private int next;
    private @Nullable Boolean automatic;

    private BraceFormat(boolean html, Arguments arguments) {
        this.html = html;
        this.arguments = arguments;
        this.rendering = arguments.rendering();
    }

    static String apply(@Nullable Object text, Arguments arguments) {
        return new BraceFormat(text instanceof Markup, arguments).format(Values.requireText(text), 2);
    }

    private String format(String text, int depth) {
        if (depth == 0) {
            throw new TemplateException("Max string recursion exceeded");
        }
        StringBuilder out = new StringBuilder();
        rendering.characters(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '{' && c != '}') {
                out.append(c);
            } else if (text.startsWith(String.valueOf(c), i + 1)) {
                out.append(c);
                i++;
            } else if (c == '}') {
                throw new TemplateException("Single '}' encountered in format string");
            } else {
                int end = end(text, i + 1);
                String part = field(text.substring(i + 1, end), depth);
                rendering.characters(part.length());
                out.append(part);
                i = end;
            }
        }
        return out.toString();
    }

    /** Where the field's closing brace is; a field may hold others in its format. */
    private static int end(String text, int from) {
        int open = 1;
        boolean bracket = false;
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            bracket = bracket ? c != ']' : c == '[' && open == 1;
            open += bracket ? 0 : c == '{' ? 1 : c == '}' ? -1 : 0;
            if (open == 0) {
                return i;
            }
        }
        throw new TemplateException(from == text.length()
                ? "Single '{' encountered in format string"
                : "expected '}' before end of string");
    }

    private String field(String field, int depth) {
        int colon = field.indexOf(':');
        String name = colon < 0 ? field : field.substring(0, colon);
        String spec = colon < 0 ? "" : field.substring(colon + 1);
        int mark = name.indexOf('!');
        String conversion = mark < 0 ? "" : name.substring(mark + 1);
        Object value = value(mark < 0 ? name : name.substring(0, mark));
        value = switch (conversion) {
            case "" -> value;
            case "s" -> Repr.str(value, rendering);
            case "r", "a" -> Repr.repr(value, rendering);
            default -> throw new TemplateException("Unknown conversion specifier '" + conversion + "'");
        };
        String words = spec.indexOf('{') >= 0 ? format(spec, depth - 1) : spec;
        if (words.isEmpty() || value instanceof Markup) {
            return Markup.beside(value, html, rendering);
        }
        String text = FormatSpec.parse(words).format(value, rendering);
        return html ? Markup.escaped(text, rendering) : text;
    }

    private @Nullable Object value(String path) {
        int end = 0;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
            end++;
        }
        Object value = first(path.substring(0, end));
        while (end < path.length()) {
            boolean bracket = path.charAt(end) == '[';
            int from = end + 1;
            end = bracket ? path.indexOf(']', from) : from;
            if (end < 0) {
                throw new TemplateException("Missing ']' in format string");
            }
            while (!bracket && end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
                end++;
            }
            String name = path.substring(from, end);
            Object index = bracket ? Numbers.integer(name, 10) : null;
            value = bracket
                    ? Lookup.item(value, index == null ? name : index, rendering)
                    : Lookup.attribute(value, name, rendering);
            end += bracket ? 1 : 0;
        }
        return value;
    }

    private @Nullable Object first(String name) {
        boolean numbered = !name.isEmpty() && name.chars().allMatch(c -> c >= '0' && c <= '9');
        if (name.isEmpty() || numbered) {
            if (automatic != null && automatic != name.isEmpty()) {
                throw new TemplateException("cannot switch between manual field specification and automatic field "
                        + "numbering");
            }
            automatic = name.isEmpty();
            long place = numbered ? FormatSpec.number(name, 0) : next++;
            if (place >= arguments.positional().size()) {
                throw new TemplateException("Replacement index " + place
                        + " out of range for positional args tuple");
            }
            return arguments.positional().get((int) place);
        }
        if (!arguments.has(name)) {
            throw new TemplateException("format: there is no " + Repr.quoted(name));
        }
        return arguments.named().get(name);
    }
}
