package dev.lockstep.jinja;

import java.util.Set;

import dev.lockstep.jinja.Token.Kind;

/** An operator between two values that says whether something holds for them. */
interface Comparison {
    Set<String> SIGNS = Set.of("==", "!=", "<", "<=", ">", ">=");

    boolean holds(Object a, Object b, Rendering r);

    /** Takes the operator that stands next; null where none does. */
    static Comparison next(Tokens tokens) {
        if (tokens.at(Kind.OPERATOR) && SIGNS.contains(tokens.peek().text())) {
            String sign = tokens.next().text();
            return switch (sign) {
                case "==" -> Comparing::equal;
                case "!=" -> (a, b, r) -> !Comparing.equal(a, b, r);
                default -> (a, b, r) -> Comparing.holds(sign, a, b, r);
            };
        }
        if (tokens.skipName("in")) {
            return (a, b, r) -> Comparing.contains(b, a, r);
        }
        if (tokens.atName("not") && tokens.nextIsName("in")) {
            tokens.next();
            tokens.next();
            return (a, b, r) -> !Comparing.contains(b, a, r);
        }
        return null;
    }
}
