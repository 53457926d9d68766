package dev.lockstep.jinja.python;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/** The filter {@code wordwrap}: Python's {@code textwrap}, which may break a line at a hyphen within a word. */
public final class TextWrap {
    private static final String WORD = "[\\p{L}\\p{N}_]";
    private static final String PUNCTUATED = "[\\p{L}\\p{N}_!\"'&.,?]";
    private static final String LETTER = "[\\p{L}_]";
    private static final String SPACE = "[\\t\\n\\x0b\\x0c\\r ]";
    private static final Pattern HYPHENS = Pattern.compile(SPACE + "+|(?<=" + PUNCTUATED + ")-{2,}(?=" + WORD + ")|[^"
            + SPACE.substring(1) + "+?(?:-(?:(?<=" + LETTER + "{2}-)|(?<=" + LETTER + "-" + PUNCTUATED + "-))(?="
            + LETTER + "-?" + LETTER + ")|(?=" + SPACE + "|\\z)|(?<=" + PUNCTUATED + ")(?=-{2,}" + WORD + "))");
    private static final Pattern WORDS = Pattern.compile(SPACE + "+|[^" + SPACE.substring(1) + "+");

    private final long width;
    private final boolean breakWords;
    private final boolean hyphens;
    private final Rendering rendering;

    private TextWrap(Arguments a) {
        width = Values.requireInteger(a.get("width", 79L));
        breakWords = Values.isTrue(a.get("break_long_words", true));
        hyphens = Values.isTrue(a.get("break_on_hyphens", true));
        rendering = a.rendering();
    }

    /**
     * The text with lines as short as the arguments say.
     *
     * @param a {@code width}, {@code break_long_words}, {@code wrapstring} and {@code break_on_hyphens}
     */
    public static Object wrap(@Nullable Object value, Arguments a) {
        TextWrap wrapping = new TextWrap(a);
        Object between = a.get("wrapstring", null);
        String end = between == null ? "\n" : Values.requireText(between);
        List<String> lines = new ArrayList<>();
        for (Object line : StringSplitting.lines(Values.requireText(value), false, a.rendering())) {
            lines.add(String.join(end, wrapping.lines((String) line)));
        }
        long length = lines.stream().mapToLong(String::length).sum();
        a.rendering().characters(length + (long) lines.size() * end.length());
        return String.join(end, lines);
    }

    private List<String> lines(String text) {
        if (width <= 0) {
            throw new TemplateException("invalid width " + width + " (must be > 0)");
        }
        Deque<String> chunks = chunks(text);
        List<String> lines = new ArrayList<>();
        while (!chunks.isEmpty()) {
            if (isBlank(chunks.peek()) && !lines.isEmpty()) {
                chunks.pop();
            }
            List<String> line = new ArrayList<>();
            long length = 0;
            while (!chunks.isEmpty() && length + Values.length(chunks.peek()) <= width) {
                length += Values.length(chunks.peek());
                line.add(chunks.pop());
            }
            if (!chunks.isEmpty() && Values.length(chunks.peek()) > width) {
                breakWord(chunks, line, length);
            }
            if (!line.isEmpty() && isBlank(line.get(line.size() - 1))) {
                line.remove(line.size() - 1);
            }
            if (!line.isEmpty()) {
                rendering.items(8);
                lines.add(String.join("", line));
            }
        }
        return lines;
    }

    private static boolean isBlank(String chunk) {
        return Strings.strip(chunk, null, true, true).isEmpty();
    }

    private Deque<String> chunks(String text) {
        rendering.characters(text.length());
        // the pattern looks at all of a run of hyphens from each place in it
        long run = 0;
        for (int i = 0; i < text.length(); i++) {
            run = text.charAt(i) == '-' ? run + 1 : 0;
            rendering.steps(run / 16);
        }
        Deque<String> chunks = new ArrayDeque<>();
        Matcher matcher = (hyphens ? HYPHENS : WORDS).matcher(text);
        while (matcher.find()) {
            rendering.items(8);
            chunks.add(matcher.group());
        }
        return chunks;
    }

    private void breakWord(Deque<String> chunks, List<String> line, long length) {
        if (!breakWords) {
            if (line.isEmpty()) {
                line.add(chunks.pop());
            }
            return;
        }
        String chunk = chunks.pop();
        rendering.characters(chunk.length());
        int end = chunk.offsetByCodePoints(0, (int) (width - length));
        int hyphen = hyphens ? chunk.lastIndexOf('-', end - 1) : -1;
        if (hyphen > 0 && chunk.chars().limit(hyphen).anyMatch(c -> c != '-')) {
            end = hyphen + 1;
        }
        line.add(chunk.substring(0, end));
        chunks.push(chunk.substring(end));
    }
}
