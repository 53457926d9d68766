package dev.lockstep.host;

import java.util.function.IntPredicate;

/**
 * Text of files that nobody vouches for, as a sentence for a terminal may hold it: on one line, without characters that
 * move the cursor or turn the reading order, and not longer than one reads.
 */
public final class Printable {
    /** A longer value is {@linkplain #cut cut}: characters. */
    public static final int VALUE = 120;
    private static final int SENTENCE = 1500;

    private Printable() {}

    /** The text with whatever does not print as {@code \}{@code uXXXX}, line breaks among it. */
    public static String escaped(String text) {
        return escaped(text, Printable::prints);
    }

    private static String escaped(String text, IntPredicate plain) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            int units = Character.charCount(c);
            if (plain.test(c)) {
                escaped.appendCodePoint(c);
            } else {
                for (char unit : text.substring(i, i + units).toCharArray()) {
                    escaped.append(String.format("\\u%04x", (int) unit));
                }
            }
            i += units;
        }
        return escaped.toString();
    }

    private static boolean prints(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.UNASSIGNED -> false;
            default -> true;
        };
    }

    /**
     * A line that may hold what others wrote, a file name, a host, a rank's last words. Unlike in a sentence, line breaks
     * show as such, and of the code points that format text only those are escaped that change its order; others are
     * parts of names.
     */
    public static String line(String text) {
        return escaped(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t"), Printable::isPlain);
    }

    /** Whether a {@link #line} has the code point as it is. */
    public static boolean isPlain(int point) {
        int type = Character.getType(point);
        return type != Character.CONTROL && type != Character.SURROGATE && type != Character.LINE_SEPARATOR
                && type != Character.PARAGRAPH_SEPARATOR && !(point >= 0x202a && point <= 0x202e)
                && !(point >= 0x2066 && point <= 0x2069) && point != 0x200e && point != 0x200f && point != 0x61c;
    }

    /** A name or value, {@linkplain #escaped escaped}; of a long one its beginning, then three dots. */
    public static String cut(String text) {
        // an escape is six times as long as what it stands for
        String escaped = escaped(text.substring(0, Math.min(text.length(), VALUE + 2)));
        return escaped.length() <= VALUE ? escaped : escaped.substring(0, VALUE - 3) + "...";
    }

    /** A whole sentence: one line, one full stop, and of a very long one the beginning and the end. */
    public static String sentence(String text) {
        String line = escaped(text.strip().replaceAll("\\s*\\R\\s*", " "));
        if (line.length() > SENTENCE) {
            line = line.substring(0, SENTENCE - 500) + " ... " + line.substring(line.length() - 400);
        }
        // a reason that comes from elsewhere often has an end of its own
        return line.replaceFirst("(?<!\\.)[.!?;,]?\\.$", ".");
    }
}
