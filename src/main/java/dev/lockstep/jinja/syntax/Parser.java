package dev.lockstep.jinja.syntax;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Values;
import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;
import dev.lockstep.jinja.runtime.AssignmentTarget;
import dev.lockstep.jinja.runtime.Expression;
import dev.lockstep.jinja.runtime.ForLoop;
import dev.lockstep.jinja.runtime.Macro;
import dev.lockstep.jinja.runtime.Scope;
import dev.lockstep.jinja.runtime.Statement;
import dev.lockstep.jinja.runtime.Statement.Flow;
import dev.lockstep.jinja.syntax.Token.Kind;

/** Jinja's statements, each as what runs it. */
public final class Parser {
    /** No template can name this. */
    private static final String TEXT = "|";
    private static final Set<String> OTHER_TEMPLATES = Set.of("include", "import", "from", "extends");

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private final Map<String, List<Statement>> blocks = new LinkedHashMap<>();
    private int loops;
    /** Whether an {@code if} stands around, and nothing else within that. */
    private boolean guarded;

    private Parser(TokenStream tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    /**
     * @param body   of the template
     * @param blocks by their names
     */
    public record Parsed(List<Statement> body, Map<String, List<Statement>> blocks) {}

    /**
     * @throws TemplateException naming the line of what is no template, or not supported
     */
    public static Parsed parse(String template) {
        Parser parser = new Parser(new TokenStream(Lexer.tokens(template)));
        return new Parsed(parser.body(), parser.blocks);
    }

    /** Statements up to a block with one of these names, which is left standing; with no names up to the end. */
    private List<Statement> body(String... ends) {
        tokens.enter();
        List<Statement> body = new ArrayList<>();
        while (true) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> body.add((scope, out) -> {
                    scope.rendering().characters(token.text().length());
                    out.append(token.text());
                    return Flow.ON;
                });
                case PRINT_BEGIN -> {
                    Expression value = known(expressions.tuple());
                    tokens.expect(Kind.PRINT_END, "'}}'");
                    body.add(printing(value));
                }
                case BLOCK_BEGIN -> {
                    if (tokens.at(Kind.NAME) && Arrays.asList(ends).contains(tokens.peek().text())) {
                        tokens.leave();
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

    private static Statement printing(Expression value) {
        return (scope, out) -> {
            Statement.print(value.in(scope), scope, out);
            return Flow.ON;
        };
    }

    private Expression known(Expression expression) {
        expressions.requireKnown(guarded);
        return expression;
    }

    private void endBlock() {
        tokens.expect(Kind.BLOCK_END, "'%}'");
    }

    /** The body up to {@code end}, with the end of the opening tag before and all of the closing one. */
    private List<Statement> bodyTo(String end) {
        endBlock();
        boolean outside = guarded;
        guarded = false;
        List<Statement> body = body(end);
        guarded = outside;
        tokens.next();
        if (end.equals("endblock")) {
            tokens.skipAnyName();
        }
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
            case "block" -> named();
            case "autoescape" -> autoescape();
            case "print" -> prints();
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
            default -> other(name);
        };
    }

    private Statement prints() {
        List<Expression> values = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!values.isEmpty()) {
                tokens.expectOperator(",");
            }
            values.add(known(expressions.expression()));
        }
        endBlock();
        return (scope, out) -> {
            values.forEach(value -> Statement.print(value.in(scope), scope, out));
            return Flow.ON;
        };
    }

    private Statement other(Token name) {
        if (!guarded || !OTHER_TEMPLATES.contains(name.text())) {
            throw ExpressionParser.fault(name, "the tag '" + name.text() + "' is unknown or out of place");
        }
        while (!tokens.at(Kind.BLOCK_END)) {
            tokens.next();
        }
        endBlock();
        return (scope, out) -> {
            throw new TemplateException("the tag '" + name.text() + "' needs other templates, and there are none");
        };
    }

    private Statement conditional() {
        boolean outside = guarded;
        guarded = true;
        List<Expression> conditions = new ArrayList<>();
        List<List<Statement>> bodies = new ArrayList<>();
        do {
            conditions.add(known(expressions.tuple()));
            endBlock();
            bodies.add(body("elif", "else", "endif"));
        } while (tokens.skipName("elif"));
        if (tokens.skipName("else")) {
            endBlock();
            bodies.add(body("endif"));
        }
        guarded = outside;
        tokens.expectName("endif");
        endBlock();
        return (scope, out) -> {
            for (int i = 0; i < bodies.size(); i++) {
                if (i == conditions.size() || Values.isTrue(conditions.get(i).in(scope))) {
                    return Statement.runAll(bodies.get(i), scope, out);
                }
            }
            return Flow.ON;
        };
    }

    /** Names that a value is taken apart to. */
    private AssignmentTarget targets() {
        List<AssignmentTarget> targets = new ArrayList<>();
        boolean several = false;
        do {
            if (several && (tokens.atName("in") || tokens.atOperator("=") || tokens.atOperator(")")
                    || tokens.at(Kind.BLOCK_END))) {
                break;
            }
            targets.add(target());
            several |= tokens.atOperator(",");
        } while (tokens.skipOperator(","));
        return several ? AssignmentTarget.several(targets) : targets.get(0);
    }

    private AssignmentTarget target() {
        if (tokens.skipOperator("(")) {
            tokens.enter();
            AssignmentTarget inner = targets();
            tokens.leave();
            tokens.expectOperator(")");
            return inner;
        }
        String name = tokens.expect(Kind.NAME, "a name").text();
        if (List.of("true", "false", "none", "True", "False", "None").contains(name)) {
            throw tokens.fault("nothing can be assigned to " + name);
        }
        return tokens.skipOperator(".")
                ? AssignmentTarget.attribute(name, tokens.expect(Kind.NAME, "a name").text())
                : AssignmentTarget.name(name);
    }

    private Statement loop() {
        AssignmentTarget target = targets();
        tokens.expectName("in");
        Expression items = known(expressions.iterable());
        Expression condition = tokens.skipName("if") ? known(expressions.expression()) : null;
        boolean recursive = tokens.skipName("recursive");
        endBlock();
        boolean outside = guarded;
        guarded = false;
        loops++;
        List<Statement> body = body("else", "endfor");
        loops--;
        List<Statement> otherwise = List.of();
        if (tokens.skipName("else")) {
            endBlock();
            otherwise = body("endfor");
        }
        guarded = outside;
        tokens.expectName("endfor");
        endBlock();
        return new ForLoop(target, items, condition, recursive, body, otherwise);
    }

    private Statement assignment() {
        AssignmentTarget target = targets();
        Expression value;
        if (tokens.skipOperator("=")) {
            value = known(expressions.tuple());
            endBlock();
        } else {
            Expression filters = known(expressions.steps().filtersOf(scope -> scope.get(TEXT), false));
            List<Statement> body = bodyTo("endset");
            value = scope -> filtered(filters, body, scope);
        }
        return (scope, out) -> {
            target.assign(value.in(scope), scope);
            return Flow.ON;
        };
    }

    /** Filters, which apply to {@link #TEXT}, of the text that a tag's body makes. */
    private static @Nullable Object filtered(Expression filters, List<Statement> body, Scope scope) {
        Scope inner = scope.inner();
        inner.set(TEXT, Statement.value(body, scope.inner()));
        return filters.in(inner);
    }

    private Statement filterBlock() {
        Expression filters = known(expressions.steps().filtersOf(scope -> scope.get(TEXT), true));
        List<Statement> body = bodyTo("endfilter");
        return (scope, out) -> {
            Statement.print(filtered(filters, body, scope), scope, out);
            return Flow.ON;
        };
    }

    private Statement autoescape() {
        Expression on = known(expressions.expression());
        List<Statement> body = bodyTo("endautoescape");
        return (scope, out) -> {
            Rendering rendering = scope.rendering();
            boolean outside = rendering.autoescapes();
            rendering.autoescape(Values.isTrue(on.in(scope)));
            Flow flow = Statement.runAll(body, scope.inner(), out);
            rendering.autoescape(outside);
            return flow;
        };
    }

    /** A block is shown where it stands, and does not see the variables of loops and macros around it. */
    private Statement named() {
        Token name = tokens.expect(Kind.NAME, "the block's name");
        boolean scoped = tokens.skipName("scoped");
        tokens.skipName("required");
        int outside = loops;
        loops = 0;
        if (blocks.put(name.text(), List.of()) != null) {
            throw ExpressionParser.fault(name, "block '" + name.text() + "' defined twice");
        }
        List<Statement> body = bodyTo("endblock");
        loops = outside;
        blocks.put(name.text(), body);
        return (scope, out) -> Statement.runAll(body, scoped ? scope.inner() : scope.top().inner(), out);
    }

    private Statement with() {
        List<AssignmentTarget> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            targets.add(target());
            tokens.expectOperator("=");
            values.add(known(expressions.expression()));
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        List<Statement> body = bodyTo("endwith");
        return (scope, out) -> {
            Scope inner = scope.inner();
            for (int i = 0; i < values.size(); i++) {
                targets.get(i).assign(values.get(i).in(scope), inner);
            }
            return Statement.runAll(body, inner, out);
        };
    }

    /** The parameters of a macro with their defaults, null where there is none. */
    private Map<String, Expression> parameters() {
        Map<String, Expression> parameters = new LinkedHashMap<>();
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            String name = tokens.expect(Kind.NAME, "a name").text();
            Expression otherwise = tokens.skipOperator("=") ? known(expressions.expression()) : null;
            if (otherwise == null && parameters.values().stream().anyMatch(Objects::nonNull)) {
                throw tokens.fault("non-default argument follows default argument");
            }
            parameters.put(name, otherwise);
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(")");
        return parameters;
    }

    private interface MacroIn {
        Macro of(Scope scope);
    }

    private MacroIn macro(String name, Map<String, Expression> parameters, String end) {
        int outside = loops;
        loops = 0;
        int from = tokens.position();
        List<Statement> body = bodyTo(end);
        Set<String> uses = tokens.namesSince(from);
        loops = outside;
        return scope -> new Macro(name, parameters, body, uses, scope);
    }

    private Statement macro() {
        String name = tokens.expect(Kind.NAME, "the macro's name").text();
        MacroIn macro = macro(name, parameters(), "endmacro");
        return (scope, out) -> {
            scope.set(name, macro.of(scope));
            return Flow.ON;
        };
    }

    private Statement callBlock() {
        Map<String, Expression> parameters = tokens.atOperator("(") ? parameters() : Map.of();
        PostfixParser.Call call = expressions.steps().callOnly();
        expressions.requireKnown(guarded);
        MacroIn macro = macro("caller", parameters, "endcall");
        return (scope, out) -> {
            Statement.print(call.with("caller", macro.of(scope), scope), scope, out);
            return Flow.ON;
        };
    }
}
