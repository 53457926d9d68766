package dev.lockstep.model;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Text of files that nobody vouches for, as a sentence for a terminal may hold it: on one line, without characters that
 * move the cursor or turn the reading order, and not longer than one reads.
 */
public final class Printable {
    private static final int VALUE = 120;
    private static final int SENTENCE = 1500;

    private Printable() {}

    /** The text with whatever does not print as {@code \}{@code uXXXX}, line breaks among it. */
    public static String escaped(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            int units = Character.charCount(c);
            if (prints(c)) {
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

    /** A name or value, {@linkplain #escaped escaped}; of a long one its beginning, then three dots. */
    public static String cut(String text) {
        // an escape is six times as long as what it stands for
        String escaped = escaped(text.substring(0, Math.min(text.length(), VALUE + 2)));
        return escaped.length() <= VALUE ? escaped : escaped.substring(0, VALUE - 3) + "...";
    }

    /** The same of a JSON value; numbers that JSON does not have are as Python writes them. */
    static String cut(JsonNode value) {
        if (value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue())) {
            return String.valueOf(value.doubleValue());
        }
        if (value.isTextual()) {
            String text = value.textValue();
            return text.length() <= VALUE ? cut(value.toString()) : '"' + cut(text) + '"';
        }
        return cut(value.toString());
    }

    /** A whole sentence: one line, one full stop, and of a very long one the beginning and the end. */
    static String sentence(String text) {
        String line = escaped(text.strip().replaceAll("\\s*\\R\\s*", " "));
        if (line.length() > SENTENCE) {
            line = line.substring(0, SENTENCE - 500) + " ... " + line.substring(line.length() - 400);
        }
        // a reason that comes from elsewhere often has an end of its own
        return line.replaceFirst("(?<!\\.)[.!?;,]?\\.$", ".");
    }
}
