package dev.lockstep.jinja.python.values;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
/** Python's notions of white space and of what can be printed, and its {@code strip}. */
public final class Strings {
    private Strings() {}

    /** Whether {@code repr} shows the character as it is. */
    public static boolean isPrintable(int c) {
        if (c >= ' ' && c < 0x7f) {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    /** Whether {@code strip} and {@code split} take the character for white space. */
    public static boolean isSpace(int c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    }

    /**
     * Python's {@code strip} and its one-sided forms.
     *
     * @param characters what to take off; null for white space
     */
    public static String strip(String text, @Nullable String characters, boolean left, boolean right) {
        int begin = 0;
        int end = text.length();
        while (left && begin < end && strips(text.codePointAt(begin), characters)) {
            begin += Character.charCount(text.codePointAt(begin));
        }
        while (right && end > begin && strips(text.codePointBefore(end), characters)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(begin, end);
    }

    private static boolean strips(int c, @Nullable String characters) {
        return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
    }

    /** So many of one character, after asking whether that is allowed. */
    public static String repeated(String character, long count, Rendering r) {
        long times = Math.max(0, count);
        r.characters(Math.min(times, Integer.MAX_VALUE) * character.length());
        return character.repeat((int) times);
    }
}
