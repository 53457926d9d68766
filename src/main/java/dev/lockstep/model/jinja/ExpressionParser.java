package dev.lockstep.model.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import dev.lockstep.model.jinja.Token.Kind;

/** Jinja's expressions, from the loosest binding to the tightest, each as what evaluates it. */
final class ExpressionParser {
    private final Tokens tokens;

    ExpressionParser(Tokens tokens) {
        this.tokens = tokens;
    }

    /** An expression, or several with commas between them, which are a list. */
    Expression tuple() {
        Expression first = expression();
        return tokens.atOperator(",") ? listFrom(first) : first;
    }

    /** What a {@code for} goes through, where an {@code if} is the loop's. */
    Expression iterable() {
        Expression first = or();
        return tokens.atOperator(",") ? listFrom(first) : first;
    }

    private Expression listFrom(Expression first) {
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (tokens.at(Kind.PRINT_END) || tokens.at(Kind.BLOCK_END) || tokens.atOperator(")")) {
                break;
            }
            items.add(expression());
        }
        return list(items);
    }

    private static Expression list(List<Expression> items) {
        return scope -> {
            List<Object> values = new ArrayList<>();
            items.forEach(item -> values.add(item.in(scope)));
            return values;
        };
    }

    Expression expression() {
        Expression value = or();
        while (tokens.skipName("if")) {
            Expression then = value;
            Expression condition = or();
            Expression otherwise = tokens.skipName("else")
                    ? expression()
                    : scope -> new Undefined("the inline if-expression evaluated to false and no else section was "
                            + "defined.");
            value = scope -> Values.isTrue(condition.in(scope)) ? then.in(scope) : otherwise.in(scope);
        }
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (tokens.skipName("or")) {
            Expression a = left;
            Expression b = and();
            left = scope -> {
                Object value = a.in(scope);
                return Values.isTrue(value) ? value : b.in(scope);
            };
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.skipName("and")) {
            Expression a = left;
            Expression b = not();
            left = scope -> {
                Object value = a.in(scope);
                return Values.isTrue(value) ? b.in(scope) : value;
            };
        }
        return left;
    }

    private Expression not() {
        if (tokens.skipName("not")) {
            Expression value = not();
            return scope -> !Values.isTrue(value.in(scope));
        }
        return comparison();
    }

    /** A chain such as {@code a < b <= c} compares neighbours and stops at the first that does not hold. */
    private Expression comparison() {
        Expression first = sum();
        List<Comparison> signs = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        for (Comparison sign = Comparison.next(tokens); sign != null; sign = Comparison.next(tokens)) {
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
                if (!signs.get(i).holds(left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private Expression sum() {
        Expression left = concatenation();
        while (tokens.atOperator("+") || tokens.atOperator("-")) {
            left = arithmetic(tokens.next().text(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        Expression left = product();
        while (tokens.skipOperator("~")) {
            Expression a = left;
            Expression b = product();
            left = scope -> Text.str(a.in(scope)) + Text.str(b.in(scope));
        }
        return left;
    }

    private Expression product() {
        Expression left = power();
        while (tokens.atOperator("*") || tokens.atOperator("/") || tokens.atOperator("//") || tokens.atOperator("%")) {
            left = arithmetic(tokens.next().text(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (tokens.skipOperator("**")) {
            left = arithmetic("**", left, unary(true));
        }
        return left;
    }

    private static Expression arithmetic(String operator, Expression a, Expression b) {
        return scope -> Values.arithmetic(operator, a.in(scope), b.in(scope));
    }

    private Expression unary(boolean withFilters) {
        Expression value;
        if (tokens.skipOperator("-")) {
            Expression operand = unary(false);
            value = scope -> Values.negative(operand.in(scope));
        } else if (tokens.skipOperator("+")) {
            Expression operand = unary(false);
            value = scope -> Values.arithmetic("+", 0L, operand.in(scope));
        } else {
            value = primary();
        }
        value = postfix(value);
        return withFilters ? filters(value) : value;
    }

    private Expression primary() {
        Token token = tokens.next();
        switch (token.kind()) {
            case NAME :
                return name(token.text());
            case STRING :
                StringBuilder text = new StringBuilder(token.text());
                while (tokens.at(Kind.STRING)) {
                    text.append(tokens.next().text());
                }
                return constant(text.toString());
            case INTEGER :
                return constant(Values.narrow(new BigInteger(token.text())));
            case FLOAT :
                return constant(Double.parseDouble(token.text()));
            case OPERATOR :
                if (token.text().equals("(")) {
                    Expression value = tokens.atOperator(")") ? list(List.of()) : tuple();
                    tokens.expectOperator(")");
                    return value;
                }
                if (token.text().equals("[")) {
                    return list(items("]"));
                }
                if (token.text().equals("{")) {
                    return map();
                }
                throw fault(token, "unexpected '" + token.text() + "'");
            case END :
                throw fault(token, "unexpected " + token.text());
            default :
                throw fault(token, "expected an expression, not the end of the tag");
        }
    }

    static TemplateException fault(Token token, String what) {
        return new TemplateException("line " + token.line() + ": " + what);
    }

    private static Expression constant(Object value) {
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

    private List<Expression> items(String end) {
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
        Map<Expression, Expression> entries = new LinkedHashMap<>();
        while (!tokens.atOperator("}")) {
            Expression key = expression();
            tokens.expectOperator(":");
            entries.put(key, expression());
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator("}");
        return scope -> {
            Map<Object, Object> values = new LinkedHashMap<>();
            entries.forEach((key, value) -> values.put(key.in(scope), value.in(scope)));
            return values;
        };
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            Expression of = value;
            if (tokens.skipOperator(".")) {
                if (tokens.at(Kind.INTEGER)) {
                    long index = Long.parseLong(tokens.next().text());
                    value = scope -> Values.item(of.in(scope), index);
                } else {
                    String name = tokens.expect(Kind.NAME, "a name").text();
                    value = scope -> Values.attribute(of.in(scope), name);
                }
            } else if (tokens.skipOperator("[")) {
                value = subscript(of);
            } else if (tokens.atOperator("(")) {
                value = call(of);
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression of) {
        List<Expression> bounds = new ArrayList<>();
        Expression index = tokens.atOperator(":") ? constant(null) : expression();
        bounds.add(index);
        while (tokens.skipOperator(":")) {
            boolean open = tokens.atOperator(":") || tokens.atOperator("]");
            bounds.add(open ? constant(null) : expression());
        }
        tokens.expectOperator("]");
        if (bounds.size() == 1) {
            return scope -> Values.item(of.in(scope), index.in(scope));
        }
        Expression step = bounds.size() > 2 ? bounds.get(2) : constant(null);
        return scope -> Values.slice(of.in(scope), index.in(scope), bounds.get(1).in(scope), step.in(scope));
    }

    private Expression call(Expression of) {
        ArgumentList arguments = arguments();
        return scope -> call(of.in(scope), arguments.in(scope));
    }

    private static Object call(Object function, Arguments arguments) {
        if (!(Values.defined(function)instanceof Function callable)) {
            throw new TemplateException("'" + Values.type(function) + "' object is not callable");
        }
        return callable.call(arguments);
    }

    /** A call that gets one more argument when it is made. */
    record Call(Expression function, ArgumentList arguments) {
        Object with(String name, Object value, Scope scope) {
            Arguments given = arguments.in(scope);
            Map<String, Object> named = new LinkedHashMap<>(given.named());
            named.put(name, value);
            return call(function.in(scope), new Arguments(given.positional(), named));
        }
    }

    /** What a {@code call} block calls: a macro by its name. */
    Call callOnly() {
        Expression function = name(tokens.expect(Kind.NAME, "the name of a macro").text());
        return new Call(function, arguments());
    }

    private ArgumentList arguments() {
        ArgumentList arguments = new ArgumentList(new ArrayList<>(), new LinkedHashMap<>());
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            Token first = tokens.peek();
            Expression value = expression();
            if (first.kind() == Kind.NAME && tokens.skipOperator("=")) {
                arguments.named().put(first.text(), expression());
            } else if (arguments.named().isEmpty()) {
                arguments.positional().add(value);
            } else {
                throw fault(first, "a positional argument follows a named one");
            }
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(")");
        return arguments;
    }

    private ArgumentList optionalArguments() {
        return tokens.atOperator("(") ? arguments() : new ArgumentList(List.of(), Map.of());
    }

    /** {@code | filter}, {@code is test} and calls of what they give. */
    private Expression filters(Expression start) {
        Expression value = start;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = filter(value);
            } else if (tokens.skipName("is")) {
                value = test(value);
            } else if (tokens.atOperator("(")) {
                value = call(value);
            } else {
                return value;
            }
        }
    }

    /** A filter's name and arguments. */
    Expression filter(Expression of) {
        Token name = tokens.expect(Kind.NAME, "the name of a filter");
        Filters.Filter filter = Filters.named(name.text());
        if (filter == null) {
            throw fault(name, "No filter named '" + name.text() + "'.");
        }
        ArgumentList arguments = optionalArguments();
        return scope -> filter.apply(of.in(scope), arguments.in(scope));
    }

    private Expression test(Expression of) {
        boolean negated = tokens.skipName("not");
        Token name = tokens.expect(Kind.NAME, "the name of a test");
        Tests.Test test = Tests.named(name.text());
        if (test == null) {
            throw fault(name, "No test named '" + name.text() + "'.");
        }
        Token next = tokens.peek();
        boolean operand = next.kind() == Kind.STRING || next.kind() == Kind.INTEGER || next.kind() == Kind.FLOAT
                || next.is(Kind.OPERATOR, "[") || next.is(Kind.OPERATOR, "{")
                || next.kind() == Kind.NAME && !Set.of("else", "or", "and", "is", "if", "in", "not", "recursive")
                        .contains(next.text());
        ArgumentList arguments = operand
                ? new ArgumentList(List.of(postfix(primary())), Map.of())
                : optionalArguments();
        return scope -> test.holds(of.in(scope), arguments.in(scope)) != negated;
    }
}
