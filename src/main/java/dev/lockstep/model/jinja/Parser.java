package dev.lockstep.model.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import dev.lockstep.model.jinja.Statement.Flow;
import dev.lockstep.model.jinja.Token.Kind;

/** Jinja's statements, each as what runs it. */
final class Parser {
    /** No template can name this. */
    private static final String TEXT = "|";

    private final Tokens tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(Tokens tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static List<Statement> parse(String template) {
        Parser parser = new Parser(new Tokens(Lexer.tokens(template)));
        return parser.body();
    }

    /** Statements up to a block with one of these names, which is left standing; with no names up to the end. */
    private List<Statement> body(String... ends) {
        List<Statement> body = new ArrayList<>();
        while (true) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> body.add((scope, out) -> {
                    out.append(token.text());
                    return Flow.ON;
                });
                case PRINT_BEGIN -> {
                    Expression value = expressions.tuple();
                    tokens.expect(Kind.PRINT_END, "'}}'");
                    body.add((scope, out) -> {
                        out.append(Text.str(value.in(scope)));
                        return Flow.ON;
                    });
                }
                case BLOCK_BEGIN -> {
                    if (tokens.at(Kind.NAME) && Arrays.asList(ends).contains(tokens.peek().text())) {
                        return body;
                    }
                    body.add(block());
                }
                default -> {
                    if (ends.length > 0) {
                        throw ExpressionParser.fault(token,
                                "expected '" + ends[ends.length - 1] + "', not " + token.text());
                    }
                    return body;
                }
            }
        }
    }

    private void endBlock() {
        tokens.expect(Kind.BLOCK_END, "'%}'");
    }

    /** The body up to {@code end}, with the end of the opening tag before and all of the closing one. */
    private List<Statement> bodyTo(String end) {
        endBlock();
        List<Statement> body = body(end);
        tokens.next();
        endBlock();
        return body;
    }

    private Statement block() {
        Token name = tokens.expect(Kind.NAME, "the name of a tag");
        return switch (name.text()) {
            case "if" -> conditional();
            case "for" -> loop();
            case "set" -> assignment();
            case "macro" -> macro();
            case "call" -> callBlock();
            case "with" -> with();
            case "filter" -> filterBlock();
            // marks what the assistant said, for training; it changes nothing in the text
            case "generation" -> {
                List<Statement> body = bodyTo("endgeneration");
                yield (scope, out) -> Statement.runAll(body, scope.inner(), out);
            }
            case "break", "continue" -> {
                if (loops == 0) {
                    throw ExpressionParser.fault(name, name.text() + " outside of a loop");
                }
                endBlock();
                yield (scope, out) -> name.text().equals("break") ? Flow.BREAK : Flow.CONTINUE;
            }
            default -> throw ExpressionParser.fault(name, "the tag '" + name.text() + "' is unknown or out of place");
        };
    }

    private Statement conditional() {
        Map<Expression, List<Statement>> branches = new LinkedHashMap<>();
        List<Statement> otherwise = List.of();
        Expression condition = expressions.tuple();
        while (true) {
            endBlock();
            branches.put(condition, body("elif", "else", "endif"));
            if (!tokens.skipName("elif")) {
                break;
            }
            condition = expressions.tuple();
        }
        if (tokens.skipName("else")) {
            endBlock();
            otherwise = body("endif");
        }
        tokens.expectName("endif");
        endBlock();
        List<Statement> last = otherwise;
        return (scope, out) -> {
            for (Map.Entry<Expression, List<Statement>> branch : branches.entrySet()) {
                if (Values.isTrue(branch.getKey().in(scope))) {
                    return Statement.runAll(branch.getValue(), scope, out);
                }
            }
            return Statement.runAll(last, scope, out);
        };
    }

    /** Names that a value is taken apart to. */
    private List<String> targets() {
        boolean bracket = tokens.skipOperator("(");
        List<String> names = new ArrayList<>();
        do {
            names.add(tokens.expect(Kind.NAME, "a name").text());
        } while (tokens.skipOperator(",") && tokens.at(Kind.NAME));
        if (bracket) {
            tokens.expectOperator(")");
        }
        return names;
    }

    private static void assign(Scope scope, List<String> names, Object value) {
        if (names.size() == 1) {
            scope.set(names.get(0), value);
            return;
        }
        List<Object> values = Values.iterate(value);
        if (values.size() != names.size()) {
            throw new TemplateException(values.size() > names.size()
                    ? "too many values to unpack (expected " + names.size() + ")"
                    : "not enough values to unpack (expected " + names.size() + ", got " + values.size() + ")");
        }
        for (int i = 0; i < names.size(); i++) {
            scope.set(names.get(i), values.get(i));
        }
    }

    private Statement loop() {
        List<String> names = targets();
        tokens.expectName("in");
        Expression items = expressions.iterable();
        Expression condition = tokens.skipName("if") ? expressions.expression() : null;
        if (tokens.atName("recursive")) {
            throw tokens.fault("recursive loops are not supported");
        }
        endBlock();
        loops++;
        List<Statement> body = body("else", "endfor");
        loops--;
        List<Statement> otherwise = List.of();
        if (tokens.skipName("else")) {
            endBlock();
            otherwise = body("endfor");
        }
        tokens.expectName("endfor");
        endBlock();
        List<Statement> empty = otherwise;
        return (scope, out) -> {
            List<Object> kept = new ArrayList<>();
            for (Object item : Values.iterate(items.in(scope))) {
                Scope inner = scope.inner();
                assign(inner, names, item);
                if (condition == null || Values.isTrue(condition.in(inner))) {
                    kept.add(item);
                }
            }
            if (kept.isEmpty()) {
                return Statement.runAll(empty, scope.inner(), out);
            }
            Namespace loop = new Namespace();
            for (int i = 0; i < kept.size(); i++) {
                place(loop, kept, i);
                Scope inner = scope.inner();
                inner.set("loop", loop);
                assign(inner, names, kept.get(i));
                if (Statement.runAll(body, inner, out) == Flow.BREAK) {
                    break;
                }
            }
            return Flow.ON;
        };
    }

    private static void place(Namespace loop, List<Object> items, int i) {
        long size = items.size();
        loop.attributes.putAll(Map.of("index", i + 1L, "index0", (long) i, "revindex", size - i, "revindex0",
                size - i - 1, "first", i == 0, "last", i == size - 1, "length", size, "depth", 1L, "depth0", 0L));
        loop.attributes.put("previtem",
                i > 0 ? items.get(i - 1) : new Undefined("there is no previous item"));
        loop.attributes.put("nextitem", i < size - 1 ? items.get(i + 1) : new Undefined("there is no next item"));
        Function cycle = arguments -> arguments.positional().get(i % arguments.positional().size());
        loop.attributes.put("cycle", cycle);
    }

    private Statement assignment() {
        List<String> names = targets();
        String attribute = null;
        if (tokens.skipOperator(".")) {
            attribute = tokens.expect(Kind.NAME, "a name").text();
        }
        Expression value;
        if (tokens.skipOperator("=")) {
            value = expressions.tuple();
            endBlock();
        } else {
            Expression filters = filters(false);
            List<Statement> body = bodyTo("endset");
            value = scope -> filtered(filters, body, scope);
        }
        if (attribute == null) {
            return (scope, out) -> {
                assign(scope, names, value.in(scope));
                return Flow.ON;
            };
        }
        String of = names.get(0);
        String name = attribute;
        return (scope, out) -> {
            if (!(scope.get(of)instanceof Namespace namespace)) {
                throw new TemplateException("cannot assign attribute on non-namespace object");
            }
            namespace.attributes.put(name, value.in(scope));
            return Flow.ON;
        };
    }

    /** {@code | a | b} after a tag's name; they apply to {@link #TEXT}, which is the text of the tag's body. */
    private Expression filters(boolean first) {
        Expression value = first ? expressions.filter(scope -> scope.get(TEXT)) : scope -> scope.get(TEXT);
        while (tokens.skipOperator("|")) {
            value = expressions.filter(value);
        }
        return value;
    }

    private static Object filtered(Expression filters, List<Statement> body, Scope scope) {
        Scope inner = scope.inner();
        inner.set(TEXT, Statement.render(body, scope.inner()));
        return filters.in(inner);
    }

    private Statement filterBlock() {
        Expression filters = filters(true);
        List<Statement> body = bodyTo("endfilter");
        return (scope, out) -> {
            out.append(Text.str(filtered(filters, body, scope)));
            return Flow.ON;
        };
    }

    private Statement with() {
        Map<String, Expression> values = new LinkedHashMap<>();
        while (tokens.at(Kind.NAME)) {
            String name = tokens.next().text();
            tokens.expectOperator("=");
            values.put(name, expressions.expression());
            tokens.skipOperator(",");
        }
        List<Statement> body = bodyTo("endwith");
        return (scope, out) -> {
            Scope inner = scope.inner();
            values.forEach((name, value) -> inner.set(name, value.in(scope)));
            return Statement.runAll(body, inner, out);
        };
    }

    /** The parameters of a macro with their defaults, null where there is none. */
    private Map<String, Expression> parameters() {
        Map<String, Expression> parameters = new LinkedHashMap<>();
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            String name = tokens.expect(Kind.NAME, "a name").text();
            parameters.put(name, tokens.skipOperator("=") ? expressions.expression() : null);
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(")");
        return parameters;
    }

    private Statement macro() {
        String name = tokens.expect(Kind.NAME, "the macro's name").text();
        Map<String, Expression> parameters = parameters();
        int outside = loops;
        loops = 0;
        List<Statement> body = bodyTo("endmacro");
        loops = outside;
        return (scope, out) -> {
            scope.set(name, macro(parameters, body, scope));
            return Flow.ON;
        };
    }

    private static Function macro(Map<String, Expression> parameters, List<Statement> body, Scope scope) {
        return arguments -> {
            Scope inner = scope.inner();
            int place = 0;
            for (Map.Entry<String, Expression> parameter : parameters.entrySet()) {
                Object missing = new Undefined("parameter '" + parameter.getKey() + "' was not provided");
                Object value = arguments.get(place++, parameter.getKey(), missing);
                boolean given = value != missing;
                inner.set(parameter.getKey(),
                        given || parameter.getValue() == null ? value : parameter.getValue().in(inner));
            }
            inner.set("varargs", new ArrayList<>(arguments.after(parameters.size()).positional()));
            Map<String, Object> rest = new LinkedHashMap<>(arguments.named());
            rest.keySet().removeAll(parameters.keySet());
            inner.set("caller", rest.containsKey("caller") ? rest.remove("caller") : Undefined.name("caller"));
            inner.set("kwargs", rest);
            return Statement.render(body, inner);
        };
    }

    private Statement callBlock() {
        Map<String, Expression> parameters = tokens.atOperator("(") ? parameters() : Map.of();
        ExpressionParser.Call call = expressions.callOnly();
        List<Statement> body = bodyTo("endcall");
        return (scope, out) -> {
            out.append(Text.str(call.with("caller", macro(parameters, body, scope), scope)));
            return Flow.ON;
        };
    }
}
