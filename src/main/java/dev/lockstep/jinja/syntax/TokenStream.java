package dev.lockstep.jinja.syntax;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.syntax.Token.Kind;

/** The tokens of a template and how far the parser is. */
final class TokenStream {
    /** Brackets, signs and tags within one another; Python allows as many brackets. */
    private static final int DEEPEST = 200;

    private final List<Token> tokens;
    private int at;
    private int depth;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token next() {
        return tokens.get(at++);
    }

    /** Says that the parser goes a level deeper. */
    void enter() {
        if (++depth > DEEPEST) {
            throw fault("brackets, signs or tags stand more than " + DEEPEST + " deep within one another");
        }
    }

    void leave() {
        depth--;
    }

    int position() {
        return at;
    }

    /** The names between a position and where the parser is. */
    Set<String> namesSince(int position) {
        return tokens.subList(position, at).stream().filter(token -> token.kind() == Kind.NAME).map(Token::text)
                .collect(Collectors.toSet());
    }

    boolean at(Kind kind) {
        return peek().kind() == kind;
    }

    boolean atOperator(String text) {
        return peek().is(Kind.OPERATOR, text);
    }

    boolean atName(String text) {
        return peek().is(Kind.NAME, text);
    }

    boolean nextIsName(String text) {
        return at + 1 < tokens.size() && tokens.get(at + 1).is(Kind.NAME, text);
    }

    boolean nextIsOperator(String text) {
        return at + 1 < tokens.size() && tokens.get(at + 1).is(Kind.OPERATOR, text);
    }

    boolean skipOperator(String text) {
        boolean skips = atOperator(text);
        at += skips ? 1 : 0;
        return skips;
    }

    boolean skipName(String text) {
        boolean skips = atName(text);
        at += skips ? 1 : 0;
        return skips;
    }

    void skipAnyName() {
        at += at(Kind.NAME) ? 1 : 0;
    }

    Token expect(Kind kind, String what) {
        if (!at(kind)) {
            throw fault("expected " + what + ", not " + shown());
        }
        return next();
    }

    void expectOperator(String text) {
        if (!skipOperator(text)) {
            throw fault("expected '" + text + "', not " + shown());
        }
    }

    void expectName(String text) {
        if (!skipName(text)) {
            throw fault("expected '" + text + "', not " + shown());
        }
    }

    private String shown() {
        return switch (peek().kind()) {
            case PRINT_END, BLOCK_END -> "the end of the tag";
            case END -> peek().text();
            default -> "'" + peek().text() + "'";
        };
    }

    TemplateException fault(String what) {
        return new TemplateException("line " + peek().line() + ": " + what);
    }
}
