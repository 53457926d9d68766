package dev.lockstep.jinja.python.values;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
/** Text that is HTML: what is joined to it is escaped. */
public record Markup(String text) {
    /** The text with the five characters that HTML reserves as entities. */
    public static String escaped(String text, Rendering r) {
        r.characters(text.length());
        StringBuilder out = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '\'' -> out.append("&#39;");
                case '"' -> out.append("&#34;");
                default -> out.append(c);
            }
        }
        r.characters(out.length() - text.length());
        return out.toString();
    }

    /** The value as HTML. */
    public static Markup of(@Nullable Object value, Rendering r) {
        return value instanceof Markup markup ? markup : new Markup(escaped(Repr.str(value, r), r));
    }

    /** Text as HTML where another text that it meets is HTML, else as it is. */
    public static String beside(@Nullable Object value, boolean html, Rendering r) {
        return html ? of(value, r).text() : Repr.str(value, r);
    }
}
