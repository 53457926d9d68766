package dev.lockstep.grammar;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a row's text is to be like.
 *
 * @param source the regular expression, or the JSON schema as JSON
 */
public record Grammar(Kind kind, String source) {
    /** What {@code source} is. */
    public enum Kind {
        /** A regular expression of the whole text, as {@link Regex} reads it. */
        REGEX,
        /** A JSON schema of the value that the text is, as {@link JsonSchema} reads it. */
        JSON_SCHEMA
    }

    /** Any JSON object. */
    public static final Grammar JSON_OBJECT = schema("{\"type\":\"object\"}");

    private static final int KEPT = 64;
    /** Rows mostly share a grammar, and each asks for it. */
    private static final Map<Grammar, TextAutomaton> COMPILED = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Grammar, TextAutomaton> eldest) {
            return size() > KEPT;
        }
    };

    /** The texts of a JSON schema. */
    public static Grammar schema(String json) {
        return new Grammar(Kind.JSON_SCHEMA, json);
    }

    /** The texts of a regular expression. */
    public static Grammar regex(String expression) {
        return new Grammar(Kind.REGEX, expression);
    }

    /**
     * The same grammar, once it is known to be one.
     *
     * @throws GrammarException as {@link #automaton}
     */
    public Grammar checked() {
        automaton();
        return this;
    }

    /**
     * The texts that fit. The same object for equal grammars, as long as there are not many others.
     *
     * @throws GrammarException when the source is wrong, uses what is not supported, is too large, or fits no text
     */
    public TextAutomaton automaton() {
        synchronized (COMPILED) {
            return COMPILED.computeIfAbsent(this, Grammar::compile);
        }
    }

    private TextAutomaton compile() {
        return TextAutomaton.of(kind == Kind.REGEX ? Regex.whole(source) : JsonSchema.texts(source));
    }
}
