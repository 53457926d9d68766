package dev.lockstep.jinja.syntax;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Strings;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.syntax.Token.Kind;

/**
 * Template text to tokens, with transformers' settings of white space: {@code trim_blocks} (a line break after a block is
 * dropped), {@code lstrip_blocks} (so is white space from the line's start to a block) and no line break at the end.
 */
final class Lexer {
    private static final int FLAGS = Pattern.DOTALL | Pattern.UNICODE_CHARACTER_CLASS;
    private static final Pattern TAG = Pattern.compile("\\{([{%#])([-+]?)");
    private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(?:-%}\\s*|%})", FLAGS);
    private static final Pattern ENDRAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%}|-%}\\s*|%}\\n?)", FLAGS);
    private static final Pattern COMMENT_END = Pattern.compile("\\+#}|-#}\\s*|#}\\n?", FLAGS);
    private static final Pattern BLOCK_END = Pattern.compile("\\+%}|-%}\\s*|%}\\n?", FLAGS);
    private static final Pattern PRINT_END = Pattern.compile("-}}\\s*|}}", FLAGS);
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}\\p{M}_]*");
    private static final Pattern OPERATOR = Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;]");
    private static final Pattern SPACE = Pattern.compile("\\s+", FLAGS);

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replaceAll("\r\n|\r", "\n");
        Lexer lexer = new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        Matcher tag = TAG.matcher(source);
        while (tag.find(at)) {
            Matcher raw = matcher(RAW, tag.start());
            boolean print = tag.group(1).equals("{");
            data(tag.start(), tag.group(2), !print);
            if (raw.lookingAt()) {
                advance(raw.end());
                raw();
            } else if (tag.group(1).equals("#")) {
                Matcher end = COMMENT_END.matcher(source);
                if (!end.find(tag.end())) {
                    throw fault("a comment does not end");
                }
                advance(end.end());
            } else {
                add(print ? Kind.PRINT_BEGIN : Kind.BLOCK_BEGIN, "");
                advance(tag.end());
                expression(print ? PRINT_END : BLOCK_END, print ? Kind.PRINT_END : Kind.BLOCK_END);
            }
        }
        if (at < source.length()) {
            add(Kind.DATA, source.substring(at));
        }
        add(Kind.END, "the end of the template");
    }

    private void raw() {
        Matcher end = ENDRAW.matcher(source);
        if (!end.find(at)) {
            throw fault("a raw block does not end");
        }
        data(end.start(), end.group(1), true);
        advance(end.end());
    }

    /** The text up to a tag, as much of it as the tag's sign leaves. */
    private void data(int end, String sign, boolean block) {
        String text = source.substring(at, end);
        if (sign.equals("-")) {
            text = Strings.strip(text, null, false, true);
        } else if (block && !sign.equals("+")) {
            int start = text.lastIndexOf('\n') + 1;
            if ((start > 0 || lineStarts) && Strings.strip(text.substring(start), null, true, false).isEmpty()) {
                text = text.substring(0, start);
            }
        }
        if (!text.isEmpty()) {
            add(Kind.DATA, text);
        }
        advance(end);
    }

    private void expression(Pattern closing, Kind kind) {
        Deque<String> open = new ArrayDeque<>();
        while (true) {
            if (lookingAt(SPACE) != null) {
                continue;
            }
            if (open.isEmpty()) {
                Matcher end = matcher(closing, at);
                if (end.lookingAt()) {
                    add(kind, "");
                    advance(end.end());
                    return;
                }
            }
            int begin = at;
            if (at == source.length()) {
                throw fault("a tag does not end");
            } else if (isDigit(at)) {
                number();
            } else if (lookingAt(NAME) != null) {
                add(Kind.NAME, source.substring(begin, at));
            } else if (stringEnd() > 0) {
                add(Kind.STRING, unescaped(source.substring(begin + 1, stringEnd() - 1)));
                advance(stringEnd());
            } else if (lookingAt(OPERATOR) != null) {
                operator(source.substring(begin, at), open);
            } else {
                throw fault("unexpected character '" + Character.toString(source.codePointAt(at)) + "'");
            }
        }
    }

    private boolean isDigit(int place) {
        return place < source.length() && source.charAt(place) >= '0' && source.charAt(place) <= '9';
    }

    /** Where digits of a base end that may have a single {@code _} before each. */
    private int digits(int from, int base) {
        int end = from;
        while (end < source.length() && (Character.digit(source.charAt(end), base) >= 0
                || end > from && source.charAt(end) == '_' && end + 1 < source.length()
                        && Character.digit(source.charAt(end + 1), base) >= 0)) {
            end++;
        }
        return end;
    }

    private void number() {
        int base = switch (source.startsWith("0", at) && at + 1 < source.length() ? source.charAt(at + 1) : ' ') {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 10;
        };
        boolean member = !tokens.isEmpty() && tokens.get(tokens.size() - 1).is(Kind.OPERATOR, ".");
        int end = digits(at, 10);
        Kind kind = Kind.INTEGER;
        if (base != 10 && digits(at + 2, base) > at + 2) {
            end = digits(at + 2, base);
        } else if (!member) {
            int fraction = source.startsWith(".", end) && isDigit(end + 1) ? digits(end + 1, 10) : end;
            int exponent = fraction;
            if (fraction < source.length() && "eE".indexOf(source.charAt(fraction)) >= 0) {
                boolean signed = source.startsWith("+", fraction + 1) || source.startsWith("-", fraction + 1);
                int from = fraction + (signed ? 2 : 1);
                exponent = isDigit(from) ? digits(from, 10) : fraction;
            }
            kind = exponent > end ? Kind.FLOAT : kind;
            end = exponent;
        }
        if (end - at > Numbers.MOST_DIGITS) {
            throw fault("a number has more than " + Numbers.MOST_DIGITS + " digits");
        }
        add(kind, source.substring(at, end));
        advance(end);
    }

    /** Behind the quote that ends the string which begins here, 0 where none does. */
    private int stringEnd() {
        char quote = source.charAt(at);
        if (quote != '\'' && quote != '"') {
            return 0;
        }
        for (int i = at + 1; i < source.length(); i++) {
            if (source.charAt(i) == quote) {
                return i + 1;
            }
            i += source.charAt(i) == '\\' ? 1 : 0;
        }
        return 0;
    }

    private void operator(String text, Deque<String> open) {
        switch (text) {
            case "(" -> open.push(")");
            case "[" -> open.push("]");
            case "{" -> open.push("}");
            case ")", "]", "}" -> {
                if (open.isEmpty() || !open.pop().equals(text)) {
                    throw fault("unexpected '" + text + "'");
                }
            }
            default -> {
            }
        }
        add(Kind.OPERATOR, text);
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private Matcher matcher(Pattern pattern, int from) {
        return pattern.matcher(source).region(from, source.length());
    }

    private @Nullable String lookingAt(Pattern pattern) {
        Matcher matcher = matcher(pattern, at);
        if (!matcher.lookingAt()) {
            return null;
        }
        advance(matcher.end());
        return matcher.group();
    }

    private void advance(int to) {
        for (int i = at; i < to; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        if (to > at) {
            lineStarts = source.charAt(to - 1) == '\n';
        }
        at = to;
    }

    private TemplateException fault(String what) {
        return new TemplateException("line " + line + ": " + what);
    }

    /** Python's escapes; a backslash before a line break joins the lines, one before anything else unknown stays. */
    private String unescaped(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escape = text.charAt(++i);
            int simple = "\n\\'\"abfnrtv".indexOf(escape);
            int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
            if (simple > 0) {
                out.append("\n\\'\"\u0007\b\f\n\r\t\u000b".charAt(simple));
            } else if (digits > 0) {
                out.appendCodePoint(codePoint(escape, text.substring(i + 1, Math.min(text.length(), i + 1 + digits)),
                        digits));
                i += digits;
            } else if (escape >= '0' && escape <= '7') {
                int end = i + 1;
                while (end < text.length() && end < i + 3 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
                    end++;
                }
                out.append((char) Integer.parseInt(text.substring(i, end), 8));
                i = end - 1;
            } else if (simple < 0) {
                out.append('\\').append(escape);
            }
        }
        return out.toString();
    }

    private int codePoint(char escape, String hex, int digits) {
        if (hex.length() < digits || !hex.chars().allMatch(c -> c < 0x80 && Character.digit(c, 16) >= 0)) {
            throw fault("\\" + escape + " needs " + digits + " hexadecimal digits");
        }
        long code = Long.parseLong(hex, 16);
        if (code > Character.MAX_CODE_POINT) {
            throw fault("\\" + escape + hex + " is no character");
        }
        return (int) code;
    }
}
