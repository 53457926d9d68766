package dev.lockstep.jinja.syntax;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.filters.Filters;
import dev.lockstep.jinja.filters.Tests;
import dev.lockstep.jinja.python.Lookup;
import dev.lockstep.jinja.python.values.Arguments;
import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.runtime.ArgumentExpressions;
import dev.lockstep.jinja.runtime.Expression;
import dev.lockstep.jinja.runtime.Scope;
import dev.lockstep.jinja.syntax.Token.Kind;

/** What stands behind a value and is done to it: members, calls, filters, tests. */
final class PostfixParser {
    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private final List<TemplateException> unknown;

    /**
     * @param unknown where filters and tests that do not exist are put
     */
    PostfixParser(TokenStream tokens, ExpressionParser expressions, List<TemplateException> unknown) {
        this.tokens = tokens;
        this.expressions = expressions;
        this.unknown = unknown;
    }

    /** Something done to a value: a member of it, a call, a filter, a test. */
    interface Step {
        @Nullable
        Object of(@Nullable Object value, Scope scope);
    }

    record Chain(Expression start, List<Step> steps) implements Expression {
        @Override
        public @Nullable Object in(Scope scope) {
            Rendering r = scope.rendering();
            r.enter();
            Object value = start.in(scope);
            for (Step step : steps) {
                r.step();
                value = step.of(value, scope);
            }
            r.leave();
            return value;
        }
    }

    List<Step> postfix() {
        List<Step> steps = new ArrayList<>();
        while (true) {
            if (tokens.skipOperator(".")) {
                if (tokens.at(Kind.INTEGER)) {
                    Object index = ExpressionParser.integer(tokens.next());
                    steps.add((value, scope) -> Lookup.item(value, index, scope.rendering()));
                } else {
                    String name = tokens.expect(Kind.NAME, "a name").text();
                    steps.add((value, scope) -> Lookup.attribute(value, name, scope.rendering()));
                }
            } else if (tokens.skipOperator("[")) {
                steps.add(subscript());
            } else if (tokens.atOperator("(")) {
                steps.add(new Invocation(arguments()));
            } else {
                return steps;
            }
        }
    }

    private Step subscript() {
        List<Expression> bounds = new ArrayList<>();
        Expression first = tokens.atOperator(":") ? ExpressionParser.constant(null) : expressions.expression();
        if (tokens.skipOperator(",")) {
            List<Expression> several = new ArrayList<>(List.of(first));
            several.addAll(expressions.items("]"));
            Expression index = ExpressionParser.tuple(several);
            return (value, scope) -> Lookup.item(value, index.in(scope), scope.rendering());
        }
        bounds.add(first);
        while (tokens.skipOperator(":")) {
            boolean open = tokens.atOperator(":") || tokens.atOperator("]");
            bounds.add(open ? ExpressionParser.constant(null) : expressions.expression());
        }
        tokens.expectOperator("]");
        if (bounds.size() == 1) {
            return (value, scope) -> Lookup.item(value, first.in(scope), scope.rendering());
        }
        if (bounds.size() > 3) {
            throw tokens.fault("a slice has more than a start, an end and a step");
        }
        Expression step = bounds.size() > 2 ? bounds.get(2) : ExpressionParser.constant(null);
        return (value, scope) -> Lookup.slice(value, first.in(scope), bounds.get(1).in(scope), step.in(scope),
                scope.rendering());
    }

    private record Invocation(ArgumentExpressions arguments) implements Step {
        @Override
        public @Nullable Object of(@Nullable Object value, Scope scope) {
            return call(value, arguments.in(scope));
        }
    }

    private static @Nullable Object call(@Nullable Object function, Arguments arguments) {
        if (!(Values.defined(function)instanceof Function callable)) {
            throw new TemplateException("'" + Values.type(function) + "' object is not callable");
        }
        return callable.call(arguments);
    }

    /** A call that gets one more argument when it is made. */
    record Call(Expression function, ArgumentExpressions arguments) {
        @Nullable
        Object with(String name, @Nullable Object value, Scope scope) {
            Arguments given = arguments.in(scope);
            Map<String, Object> named = new LinkedHashMap<>(given.named());
            named.put(name, value);
            return call(function.in(scope), new Arguments(given.positional(), named, scope.rendering()));
        }
    }

    /** What a {@code call} block calls. */
    Call callOnly() {
        Token first = tokens.peek();
        Expression start = expressions.primary();
        List<Step> steps = postfix();
        if (steps.isEmpty() || !(steps.get(steps.size() - 1)instanceof Invocation last)) {
            throw ExpressionParser.fault(first, "expected a call");
        }
        return new Call(new Chain(start, steps.subList(0, steps.size() - 1)), last.arguments());
    }

    private ArgumentExpressions arguments() {
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        Expression rest = null;
        Expression names = null;
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            Token first = tokens.peek();
            if (rest == null && names == null && tokens.skipOperator("*")) {
                rest = expressions.expression();
            } else if (names == null && tokens.skipOperator("**")) {
                names = expressions.expression();
            } else if (first.kind() == Kind.NAME && tokens.nextIsOperator("=") && names == null) {
                tokens.next();
                tokens.next();
                if (named.put(first.text(), expressions.expression()) != null) {
                    throw ExpressionParser.fault(first, "the argument '" + first.text() + "' is given twice");
                }
            } else {
                positional.add(expressions.expression());
                if (!named.isEmpty() || rest != null || names != null) {
                    throw ExpressionParser.fault(first, "a positional argument follows a named one");
                }
            }
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(")");
        return new ArgumentExpressions(positional, named, rest, names);
    }

    private ArgumentExpressions optionalArguments() {
        return tokens.atOperator("(") ? arguments() : ArgumentExpressions.NONE;
    }

    /** {@code | filter}, {@code is test} and calls of what they give. */
    void filters(List<Step> steps) {
        while (true) {
            if (tokens.skipOperator("|")) {
                steps.add(filter());
            } else if (tokens.skipName("is")) {
                steps.add(test());
            } else if (tokens.atOperator("(")) {
                steps.add(new Invocation(arguments()));
            } else {
                return;
            }
        }
    }

    /** {@code | a | b} after a tag's name, applied to what the expression gives. */
    Expression filtersOf(Expression text, boolean first) {
        List<Step> steps = new ArrayList<>();
        if (first) {
            steps.add(filter());
        }
        while (tokens.skipOperator("|")) {
            steps.add(filter());
        }
        return new Chain(text, steps);
    }

    /** The name of a filter or test, which may have dots. */
    private String dottedName(String what) {
        StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME, what).text());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Kind.NAME, "a name").text());
        }
        return name.toString();
    }

    private Step filter() {
        Token first = tokens.peek();
        String name = dottedName("the name of a filter");
        Filters.Filter filter = Filters.named(name);
        ArgumentExpressions arguments = optionalArguments();
        if (filter == null) {
            return missing(first, "No filter named '" + name + "'");
        }
        return (value, scope) -> filter.apply(value, arguments.in(scope));
    }

    private Step missing(Token token, String sentence) {
        unknown.add(ExpressionParser.fault(token, sentence + "."));
        return (value, scope) -> {
            throw new TemplateException(sentence + " found.");
        };
    }

    private Step test() {
        boolean negated = tokens.skipName("not");
        Token first = tokens.peek();
        String name = dottedName("the name of a test");
        Tests.Test test = Tests.named(name);
        Token next = tokens.peek();
        boolean operand = next.kind() == Kind.STRING || next.kind() == Kind.INTEGER || next.kind() == Kind.FLOAT
                || next.is(Kind.OPERATOR, "[") || next.is(Kind.OPERATOR, "{")
                || next.kind() == Kind.NAME && !Set.of("else", "or", "and", "is", "if", "in", "not", "recursive")
                        .contains(next.text());
        ArgumentExpressions arguments = operand ? operand() : optionalArguments();
        if (test == null) {
            return missing(first, "No test named '" + name + "'");
        }
        return (value, scope) -> test.holds(value, arguments.in(scope)) != negated;
    }

    private ArgumentExpressions operand() {
        Expression start = expressions.primary();
        return new ArgumentExpressions(List.of(new Chain(start, postfix())), Map.of(), null, null);
    }
}
