package dev.lockstep.jinja.python;

import dev.lockstep.jinja.rendering.Rendering;
/** Finds a text within another in time that grows with their lengths, not with the product of the two. */
final class SubstringSearch {
    /** Up to this length Java's own search, which is quicker. */
    private static final int SHORT = 32;

    private SubstringSearch() {}

    /** As {@link String#indexOf(String, int)}. */
    static int first(String text, String part, int from, Rendering r) {
        int found = part.length() <= SHORT
                ? text.indexOf(part, from)
                : find(text, part, from, text.length(), false, r);
        charge((found < 0 ? text.length() : found) - from, part, r);
        return found;
    }

    /** The last place where the part ends at {@code to} or before, -1 where there is none. */
    static int last(String text, String part, int to, Rendering r) {
        int found = part.length() <= SHORT
                ? text.lastIndexOf(part, to - part.length())
                : find(text, part, 0, to, true, r);
        charge(to - Math.max(0, found), part, r);
        return found;
    }

    private static void charge(int looked, String part, Rendering r) {
        r.steps(Math.max(0, looked) / (part.length() <= 4 ? 32 : 8));
    }

    /** Knuth, Morris and Pratt's search, backward as well. */
    private static int find(String text, String part, int from, int to, boolean backward, Rendering r) {
        int size = part.length();
        r.characters(2L * size);
        r.steps(size / 4);
        int[] borders = new int[size];
        for (int i = 1, border = 0; i < size; i++) {
            char c = at(part, i, size, backward);
            while (border > 0 && c != at(part, border, size, backward)) {
                border = borders[border - 1];
            }
            border += c == at(part, border, size, backward) ? 1 : 0;
            borders[i] = border;
        }
        int same = 0;
        for (int i = 0; i < to - from; i++) {
            char c = backward ? text.charAt(to - 1 - i) : text.charAt(from + i);
            while (same > 0 && c != at(part, same, size, backward)) {
                same = borders[same - 1];
            }
            same += c == at(part, same, size, backward) ? 1 : 0;
            if (same == size) {
                return backward ? to - 1 - i : from + i - size + 1;
            }
        }
        return -1;
    }

    private static char at(String part, int i, int size, boolean backward) {
        return part.charAt(backward ? size - 1 - i : i);
    }
}
