package dev.lockstep.jinja.python;

import java.util.Locale;

/** Python's upper, lower and title case where they differ from Java's. */
public final class StringCasing {
    private StringCasing() {}

    static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    static String folded(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            String plain = Character.toString(c);
            out.append(c == 'ı' ? plain : c == 'ς' ? "σ" : plain.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
        });
        return out.toString();
    }

    static String swapped(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            String plain = Character.toString(c);
            out.append(Character.isUpperCase(c)
                    ? plain.toLowerCase(Locale.ROOT)
                    : Character.isLowerCase(c) ? plain.toUpperCase(Locale.ROOT) : plain);
        });
        return out.toString();
    }

    /** Each run of letters that have cases begins with a capital. */
    static String titled(String text) {
        StringBuilder out = new StringBuilder();
        boolean within = false;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            out.append(within ? Character.toString(c).toLowerCase(Locale.ROOT) : titled(c));
            within = isCased(c);
        }
        return out.toString();
    }

    static boolean isTitled(String text) {
        boolean within = false;
        boolean any = false;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean capital = Character.isUpperCase(c) || Character.isTitleCase(c);
            if (capital ? within : Character.isLowerCase(c) && !within) {
                return false;
            }
            within = isCased(c);
            any |= within;
        }
        return any;
    }

    /** Python's {@code capitalize}: the first character as in a title, all others small. */
    public static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return titled(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    /** A character as it begins a title; Java has only the titles that are one character. */
    private static String titled(int c) {
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        int titled = Character.toTitleCase(c);
        return titled == c && upper.codePointCount(0, upper.length()) > 1
                ? Character.toString(upper.codePointAt(0))
                        + upper.substring(upper.offsetByCodePoints(0, 1)).toLowerCase(Locale.ROOT)
                : Character.toString(titled);
    }
}
