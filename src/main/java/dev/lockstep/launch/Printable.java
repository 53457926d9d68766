package dev.lockstep.launch;

/**
 * Text that may hold what others named, a file, a host, a rank's last words, made safe for a line on a terminal: what
 * would move the cursor, end the line, turn the direction of writing or is no character stands as in a string of Java.
 */
final class Printable {
    private Printable() {}

    static String of(String text) {
        StringBuilder line = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            switch (point) {
                case '\n' -> line.append("\\n");
                case '\r' -> line.append("\\r");
                case '\t' -> line.append("\\t");
                default -> {
                    if (isPlain(point)) {
                        line.appendCodePoint(point);
                    } else {
                        line.append(String.format("\\u%04x", point));
                    }
                }
            }
        });
        return line.toString();
    }

    /** Of the code points that format text only those are left out that change its order; others are parts of names. */
    static boolean isPlain(int point) {
        int type = Character.getType(point);
        return type != Character.CONTROL && type != Character.SURROGATE && type != Character.LINE_SEPARATOR
                && type != Character.PARAGRAPH_SEPARATOR && !(point >= 0x202a && point <= 0x202e)
                && !(point >= 0x2066 && point <= 0x2069) && point != 0x200e && point != 0x200f && point != 0x61c;
    }
}
