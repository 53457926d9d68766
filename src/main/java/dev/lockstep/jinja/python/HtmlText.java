package dev.lockstep.jinja.python;

import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** HTML to the text that it shows. */
public final class HtmlText {
    private static final Map<String, String> ENTITIES = Map.ofEntries(Map.entry("amp", "&"), Map.entry("lt", "<"),
            Map.entry("gt", ">"), Map.entry("quot", "\""), Map.entry("apos", "'"), Map.entry("nbsp", "\u00a0"),
            Map.entry("copy", "©"), Map.entry("reg", "®"), Map.entry("trade", "™"), Map.entry("deg", "°"),
            Map.entry("laquo", "«"), Map.entry("raquo", "»"), Map.entry("middot", "·"), Map.entry("times", "×"),
            Map.entry("hellip", "…"), Map.entry("ndash", "–"), Map.entry("mdash", "—"), Map.entry("lsquo", "‘"),
            Map.entry("rsquo", "’"), Map.entry("ldquo", "“"), Map.entry("rdquo", "”"), Map.entry("bull", "•"),
            Map.entry("euro", "€"), Map.entry("rarr", "→"), Map.entry("larr", "←"));

    private HtmlText() {}

    /** The text without tags and comments, its white space made single blanks and its entities characters. */
    public static String stripTags(String html, Rendering r) {
        String text = without(without(html, "<!--", "-->", r), "<", ">", r);
        List<Object> words = StringSplitting.words(text, Integer.MAX_VALUE, false, r);
        r.characters(text.length());
        return unescape(String.join(" ", words.stream().map(String.class::cast).toList()));
    }

    private static String without(String text, String begin, String end, Rendering r) {
        StringBuilder kept = new StringBuilder(text);
        r.characters(text.length());
        // what is left and right of a piece can make another one, as Python finds it
        for (int from = kept.indexOf(begin); from >= 0; from = kept.indexOf(begin, Math.max(0, from - 3))) {
            int to = kept.indexOf(end, from);
            r.steps((kept.length() - from) / 16);
            if (to < 0) {
                break;
            }
            kept.delete(from, to + end.length());
        }
        return kept.toString();
    }

    static String unescape(String text) {
        StringBuilder out = new StringBuilder();
        int at = 0;
        for (int and = text.indexOf('&'); and >= 0; and = text.indexOf('&', at)) {
            out.append(text, at, and);
            int end = and + 1;
            while (end < text.length() && end < and + 34 && (Character.isLetterOrDigit(text.charAt(end))
                    || end == and + 1 && text.charAt(end) == '#')) {
                end++;
            }
            String name = text.substring(and + 1, end);
            boolean closed = text.startsWith(";", end);
            String character = name.startsWith("#") ? numbered(name) : closed ? ENTITIES.get(name) : null;
            if (character == null && !name.isEmpty() && !name.startsWith("#") && closed) {
                throw new TemplateException("the entity &" + name + "; is not supported");
            }
            out.append(character == null ? text.substring(and, end) : character);
            at = character != null && closed ? end + 1 : end;
        }
        return out.append(text.substring(at)).toString();
    }

    private static @Nullable String numbered(String name) {
        boolean hex = name.startsWith("x", 1) || name.startsWith("X", 1);
        Object code = Numbers.integer(name.substring(hex ? 2 : 1), hex ? 16 : 10);
        if (code == null) {
            return null;
        }
        boolean valid = code instanceof Long number && number > 0 && number <= Character.MAX_CODE_POINT
                && !(number >= 0xd800 && number < 0xe000);
        return valid ? Character.toString((int) (long) (Long) code) : "\ufffd";
    }
}
