package dev.lockstep.report;

/** Text as a page shows it. */
public final class HtmlText {
    private HtmlText() {}

    /** So that it stands in an element or a quoted attribute as it is; control characters, which a page must not have, are marked. */
    public static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.appendCodePoint(isShown(c) ? c : 0xfffd);
            }
        });
        return escaped.toString();
    }

    private static boolean isShown(int c) {
        return c == '\n' || c == '\t' || !Character.isISOControl(c) && (c < 0xd800 || c > 0xdfff);
    }
}
