package dev.lockstep.model.jinja;

import java.util.Set;

import dev.lockstep.model.jinja.Token.Kind;

/** An operator between two values that says whether something holds for them. */
interface Comparison {
    Set<String> SIGNS = Set.of("==", "!=", "<", "<=", ">", ">=");

    boolean holds(Object a, Object b);

    /** Takes the operator that stands next; null where none does. */
    static Comparison next(Tokens tokens) {
        if (tokens.at(Kind.OPERATOR) && SIGNS.contains(tokens.peek().text())) {
            String sign = tokens.next().text();
            return switch (sign) {
                case "==" -> Values::equal;
                case "!=" -> (a, b) -> !Values.equal(a, b);
                case "<" -> (a, b) -> Values.compare(a, b, sign) < 0;
                case "<=" -> (a, b) -> Values.compare(a, b, sign) <= 0;
                case ">" -> (a, b) -> Values.compare(a, b, sign) > 0;
                default -> (a, b) -> Values.compare(a, b, sign) >= 0;
            };
        }
        if (tokens.skipName("in")) {
            return (a, b) -> Values.contains(b, a);
        }
        if (tokens.atName("not") && tokens.nextIsName("in")) {
            tokens.next();
            tokens.next();
            return (a, b) -> !Values.contains(b, a);
        }
        return null;
    }
}
