package dev.lockstep.jinja.filters;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.DictMethods;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Repr;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** Jinja's filters for web pages, as far as they say something about a text. */
final class HtmlFilters {
    private HtmlFilters() {}

    static Object urlEncode(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        if (Values.isText(value) || !Values.isIterable(value)) {
            return quoted(Repr.str(value, r), "/", r);
        }
        StringBuilder out = new StringBuilder();
        Object pairs = value instanceof Map<?, ?> map ? DictMethods.items(map, r) : value;
        for (Iterator<Object> items = Values.each(pairs, r); items.hasNext();) {
            List<Object> pair = Values.list(items.next(), r);
            if (pair.size() != 2) {
                throw new TemplateException("urlencode needs pairs, not " + pair.size() + " values");
            }
            out.append(out.isEmpty() ? "" : "&").append(quoted(Repr.str(pair.get(0), r), "", r).replace("%20", "+"))
                    .append('=').append(quoted(Repr.str(pair.get(1), r), "", r).replace("%20", "+"));
        }
        return out.toString();
    }

    private static String quoted(String text, String safe, Rendering r) {
        r.characters(3L * text.length());
        StringBuilder out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0)
                    || safe.indexOf(c) >= 0;
            out.append(plain ? String.valueOf(c) : String.format("%%%02X", (int) c));
        }
        return out.toString();
    }

    static Object attributes(@Nullable Object value, Arguments a) {
        Rendering r = a.rendering();
        if (!(Values.defined(value)instanceof Map<?, ?> map)) {
            throw new TemplateException("xmlattr needs a mapping, not " + Values.type(value));
        }
        List<String> all = new ArrayList<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getValue() == null || entry.getValue() instanceof Undefined) {
                continue;
            }
            String name = Values.requireText(entry.getKey());
            if (name.chars().anyMatch(c -> " \t\n\r\f\u000b/>=".indexOf(c) >= 0)) {
                throw new TemplateException("Invalid character in attribute name: " + Repr.quoted(name));
            }
            all.add(Markup.escaped(name, r) + "=\"" + Markup.of(entry.getValue(), r).text() + "\"");
        }
        String text = (all.isEmpty() || !Values.isTrue(a.get("autospace", true)) ? "" : " ") + String.join(" ", all);
        r.characters(text.length());
        return r.autoescapes() ? new Markup(text) : text;
    }
}
