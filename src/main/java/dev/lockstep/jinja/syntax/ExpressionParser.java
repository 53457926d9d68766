package dev.lockstep.jinja.syntax;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.Arithmetic;
import dev.lockstep.jinja.python.values.DictKeys;
import dev.lockstep.jinja.python.values.Markup;
import dev.lockstep.jinja.python.values.Numbers;
import dev.lockstep.jinja.python.values.Tuple;
import dev.lockstep.jinja.python.values.Undefined;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.runtime.Expression;
import dev.lockstep.jinja.runtime.Scope;
import dev.lockstep.jinja.syntax.Token.Kind;

/** Jinja's expressions, from the loosest binding to the tightest, each as what evaluates it. */
final class ExpressionParser {
    private final TokenStream tokens;
    private final PostfixParser steps;
    /** Filters and tests that do not exist, in what was parsed since {@link #requireKnown}. */
    private final List<TemplateException> unknown = new ArrayList<>();

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
        this.steps = new PostfixParser(tokens, this, unknown);
    }

    PostfixParser steps() {
        return steps;
    }

    /** An expression, or several with commas between them, which are a tuple. */
    Expression tuple() {
        Expression first = expression();
        return tokens.atOperator(",") ? tupleFrom(first) : first;
    }

    /** What a {@code for} goes through, where an {@code if} is the loop's. */
    Expression iterable() {
        Expression first = or();
        return tokens.atOperator(",") ? tupleFrom(first) : first;
    }

    /**
     * Ends a statement's expressions. In what a condition guards a filter or test that does not exist is an error only
     * when it is reached.
     */
    void requireKnown(boolean guarded) {
        if (!guarded && !unknown.isEmpty()) {
            throw unknown.get(0);
        }
        unknown.clear();
    }

    private Expression tupleFrom(Expression first) {
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (tokens.at(Kind.PRINT_END) || tokens.at(Kind.BLOCK_END) || tokens.atOperator(")")) {
                break;
            }
            items.add(expression());
        }
        return tuple(items);
    }

    static Expression tuple(List<Expression> items) {
        return scope -> Tuple.of(values(items, scope));
    }

    private static Expression list(List<Expression> items) {
        return scope -> values(items, scope);
    }

    private static List<Object> values(List<Expression> items, Scope scope) {
        scope.rendering().enter();
        scope.rendering().items(4L + items.size());
        List<Object> values = new ArrayList<>(items.size());
        items.forEach(item -> values.add(item.in(scope)));
        scope.rendering().leave();
        return values;
    }

    Expression expression() {
        tokens.enter();
        int known = unknown.size();
        Expression value = or();
        while (tokens.skipName("if")) {
            Expression then = value;
            Expression condition = or();
            Expression otherwise = tokens.skipName("else")
                    ? expression()
                    : scope -> new Undefined("the inline if-expression evaluated to false and no else section was "
                            + "defined.");
            value = scope -> {
                scope.rendering().enter();
                Object chosen = Values.isTrue(condition.in(scope)) ? then.in(scope) : otherwise.in(scope);
                scope.rendering().leave();
                return chosen;
            };
            unknown.subList(known, unknown.size()).clear();
        }
        tokens.leave();
        return value;
    }

    private Expression or() {
        List<Expression> all = new ArrayList<>(List.of(and()));
        while (tokens.skipName("or")) {
            all.add(and());
        }
        return all.size() == 1 ? all.get(0) : scope -> firstThatIs(true, all, scope);
    }

    private Expression and() {
        List<Expression> all = new ArrayList<>(List.of(not()));
        while (tokens.skipName("and")) {
            all.add(not());
        }
        return all.size() == 1 ? all.get(0) : scope -> firstThatIs(false, all, scope);
    }

    private static @Nullable Object firstThatIs(boolean truth, List<Expression> all, Scope scope) {
        Object value = null;
        for (Expression one : all) {
            value = one.in(scope);
            if (Values.isTrue(value) == truth) {
                break;
            }
        }
        return value;
    }

    private Expression not() {
        if (tokens.skipName("not")) {
            tokens.enter();
            Expression value = not();
            tokens.leave();
            return scope -> !Values.isTrue(value.in(scope));
        }
        return comparison();
    }

    /** A chain such as {@code a < b <= c} compares neighbours and stops at the first that does not hold. */
    private Expression comparison() {
        Expression first = sum();
        List<ComparisonOperator> signs = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        for (ComparisonOperator sign = ComparisonOperator.next(tokens); sign != null; sign = ComparisonOperator
                .next(tokens)) {
            signs.add(sign);
            others.add(sum());
        }
        if (signs.isEmpty()) {
            return first;
        }
        return scope -> {
            Object left = first.in(scope);
            for (int i = 0; i < signs.size(); i++) {
                Object right = others.get(i).in(scope);
                if (!signs.get(i).holds(left, right, scope.rendering())) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private interface Operand {
        Expression parse();
    }

    /** Operands with operators of one rank between them, from the left. */
    private Expression chain(Set<String> operators, Operand operand) {
        Expression first = operand.parse();
        List<String> signs = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (tokens.at(Kind.OPERATOR) && operators.contains(tokens.peek().text())) {
            signs.add(tokens.next().text());
            others.add(operand.parse());
        }
        if (signs.isEmpty()) {
            return first;
        }
        return scope -> {
            Object value = first.in(scope);
            for (int i = 0; i < signs.size(); i++) {
                value = Arithmetic.apply(signs.get(i), value, others.get(i).in(scope), scope.rendering());
            }
            return value;
        };
    }

    private Expression sum() {
        return chain(Set.of("+", "-"), this::concatenation);
    }

    private Expression concatenation() {
        List<Expression> all = new ArrayList<>(List.of(product()));
        while (tokens.skipOperator("~")) {
            all.add(product());
        }
        return all.size() == 1 ? all.get(0) : scope -> concatenated(all, scope);
    }

    private static Object concatenated(List<Expression> all, Scope scope) {
        Rendering r = scope.rendering();
        List<Object> values = values(all, scope);
        boolean html = r.autoescapes() && values.stream().anyMatch(value -> value instanceof Markup);
        StringBuilder out = new StringBuilder();
        for (Object value : values) {
            String part = Markup.beside(value, html, r);
            r.characters(part.length());
            out.append(part);
        }
        return html ? new Markup(out.toString()) : out.toString();
    }

    private Expression product() {
        return chain(Set.of("*", "/", "//", "%"), this::power);
    }

    private Expression power() {
        return chain(Set.of("**"), () -> unary(true));
    }

    private Expression unary(boolean withFilters) {
        Expression value;
        if (tokens.atOperator("-") || tokens.atOperator("+")) {
            boolean minus = tokens.next().text().equals("-");
            tokens.enter();
            Expression operand = unary(false);
            tokens.leave();
            value = minus
                    ? scope -> Arithmetic.negative(operand.in(scope), scope.rendering())
                    : scope -> Arithmetic.positive(operand.in(scope), scope.rendering());
        } else {
            value = primary();
        }
        List<PostfixParser.Step> after = steps.postfix();
        if (withFilters) {
            steps.filters(after);
        }
        return after.isEmpty() ? value : new PostfixParser.Chain(value, after);
    }

    Expression primary() {
        Token token = tokens.next();
        return switch (token.kind()) {
            case NAME -> name(token.text());
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (tokens.at(Kind.STRING)) {
                    text.append(tokens.next().text());
                }
                yield constant(text.toString());
            }
            case INTEGER -> constant(integer(token));
            case FLOAT -> constant(Double.parseDouble(token.text().replace("_", "")));
            case OPERATOR -> bracketed(token);
            case END -> throw fault(token, "unexpected " + token.text());
            default -> throw fault(token, "expected an expression, not the end of the tag");
        };
    }

    private Expression bracketed(Token open) {
        return switch (open.text()) {
            case "(" -> {
                Expression value = tokens.atOperator(")") ? tuple(List.of()) : tuple();
                tokens.expectOperator(")");
                yield value;
            }
            case "[" -> list(items("]"));
            case "{" -> map();
            default -> throw fault(open, "unexpected '" + open.text() + "'");
        };
    }

    static Object integer(Token token) {
        Object value = Numbers.integer(token.text(), 0);
        if (value == null) {
            throw fault(token, "'" + token.text() + "' is no number");
        }
        return value;
    }

    static TemplateException fault(Token token, String what) {
        return new TemplateException("line " + token.line() + ": " + what);
    }

    static Expression constant(@Nullable Object value) {
        return scope -> value;
    }

    private static Expression name(String name) {
        return switch (name) {
            case "true", "True" -> constant(true);
            case "false", "False" -> constant(false);
            case "none", "None" -> constant(null);
            default -> scope -> scope.get(name);
        };
    }

    List<Expression> items(String end) {
        List<Expression> items = new ArrayList<>();
        while (!tokens.atOperator(end)) {
            items.add(expression());
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(end);
        return items;
    }

    private Expression map() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.atOperator("}")) {
            keys.add(expression());
            tokens.expectOperator(":");
            values.add(expression());
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator("}");
        return scope -> {
            scope.rendering().enter();
            Map<Object, Object> map = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                DictKeys.put(map, keys.get(i).in(scope), values.get(i).in(scope), scope.rendering());
            }
            scope.rendering().leave();
            return map;
        };
    }
}
