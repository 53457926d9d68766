package dev.lockstep.jinja.syntax;

import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.Comparisons;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.syntax.Token.Kind;

/** An operator between two values that says whether something holds for them. */
interface ComparisonOperator {
    Set<String> SIGNS = Set.of("==", "!=", "<", "<=", ">", ">=");

    boolean holds(@Nullable Object a, @Nullable Object b, Rendering r);

    /** Takes the operator that stands next; null where none does. */
    static @Nullable ComparisonOperator next(TokenStream tokens) {
        if (tokens.at(Kind.OPERATOR) && SIGNS.contains(tokens.peek().text())) {
            String sign = tokens.next().text();
            return switch (sign) {
                case "==" -> Comparisons::equal;
                case "!=" -> (a, b, r) -> !Comparisons.equal(a, b, r);
                default -> (a, b, r) -> Comparisons.holds(sign, a, b, r);
            };
        }
        if (tokens.skipName("in")) {
            return (a, b, r) -> Comparisons.contains(b, a, r);
        }
        if (tokens.atName("not") && tokens.nextIsName("in")) {
            tokens.next();
            tokens.next();
            return (a, b, r) -> !Comparisons.contains(b, a, r);
        }
        return null;
    }
}
