package dev.lockstep.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.jspecify.annotations.Nullable;

/**
 * The JSON texts of values that a schema (<a href="https://json-schema.org/draft/2020-12">draft 2020-12</a>) accepts, or rather
 * some of them, of which each is accepted: an object has the properties that are named, in their order, and others only where none
 * are named; where a schema says nothing, values are at most {@link #DEEPEST} deep, and what leads to itself does so at most as
 * often; there is at most a space, or an end of line
 * and the spaces after it, between two parts. A keyword that is not done here is refused.
 */
final class JsonSchema {
    /** Arrays and objects within each other, where a schema does not say which; and references that lead to where they stand. */
    private static final int DEEPEST = 4;

    private static final Set<String> WITHOUT_EFFECT = Set.of("title", "description", "default", "examples", "example",
            "$schema", "$id", "$comment", "$defs", "definitions", "deprecated", "readOnly", "writeOnly", "strict");
    private static final Set<String> WHOLE = Set.of("enum", "const", "anyOf", "oneOf", "allOf", "$ref");
    private static final Set<String> BOUNDS = Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
    private static final Map<String, Set<String>> BY_TYPE = Map.of("object",
            Set.of("properties", "required", "additionalProperties"), "array",
            Set.of("items", "prefixItems", "minItems", "maxItems"),
            "string", Set.of("minLength", "maxLength", "pattern", "format"), "integer",
            BOUNDS, "number", BOUNDS, "boolean",
            Set.of(), "null", Set.of());
    private static final String DATE = "\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))";
    private static final String TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
    private static final Map<String, String> FORMATS = Map.of("date", DATE, "time", TIME, "date-time",
            DATE + "T" + TIME, "uuid", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final JsonNode root;
    private final JsonTexts texts = new JsonTexts();
    private final Map<String, Boolean> circles = new HashMap<>();
    // by what is referred to, and how deep that may still lead to itself
    private final Map<String, Automaton> referred = new HashMap<>();
    private int left = DEEPEST;

    private JsonSchema(JsonNode root) {
        this.root = root;
    }

    /** @throws GrammarException naming what is wrong or not supported */
    static Automaton texts(String json) {
        try {
            JsonNode schema = MAPPER.readTree(json);
            Automaton texts = new JsonSchema(schema).value(schema, "");
            if (Operations.isEmpty(texts)) {
                throw new GrammarException("accepts no value, or none that ends");
            }
            return texts;
        } catch (JsonProcessingException e) {
            throw new GrammarException("is not JSON: " + e.getOriginalMessage());
        }
    }

    /** @param at where the schema stands in the whole, as a JSON pointer */
    private Automaton value(JsonNode schema, String at) {
        if (schema.isBoolean()) {
            return schema.booleanValue() ? texts.anything(DEEPEST) : Automata.makeEmpty();
        }
        if (!schema.isObject()) {
            throw wrong(at, "is " + (schema.isMissingNode() ? "not there" : schema) + ", not a schema");
        }
        Set<String> told = new TreeSet<>();
        schema.fieldNames().forEachRemaining(told::add);
        told.removeAll(WITHOUT_EFFECT);
        Automaton whole = whole(schema, at, told);
        if (whole != null) {
            return TextAutomaton.least(whole);
        }
        List<Automaton> ways = new ArrayList<>();
        Set<String> done = new HashSet<>(Set.of("type"));
        for (String type : types(schema, at, told)) {
            done.addAll(keywords(type));
            ways.add(switch (type) {
                case "object" -> object(schema, at);
                case "array" -> array(schema, at);
                case "string" -> string(schema, at);
                case "integer" -> NumberSchema.integer(schema, at);
                case "number" -> NumberSchema.number(schema, at);
                case "boolean" -> Regex.whole("true|false");
                default -> Automata.makeString("null");
            });
        }
        refuse(told, done, at);
        return TextAutomaton.least(Operations.union(ways));
    }

    private static Set<String> keywords(String type) {
        return BY_TYPE.getOrDefault(type, Set.of());
    }

    private static void refuse(Set<String> told, Set<String> done, String at) {
        for (String keyword : told) {
            if (!done.contains(keyword)) {
                throw wrong(at, "has the keyword \"" + keyword + "\", which is not supported there");
            }
        }
    }

    /** By the keywords that say all; null where there are none. */
    private @Nullable Automaton whole(JsonNode schema, String at, Set<String> told) {
        List<String> found = told.stream().filter(WHOLE::contains).toList();
        if (found.isEmpty()) {
            return null;
        }
        String keyword = found.get(0);
        boolean listed = keyword.equals("enum") || keyword.equals("const");
        refuse(told, listed ? Set.of(keyword, "type") : Set.of(keyword), at);
        JsonNode value = schema.get(keyword);
        String inside = at + "/" + keyword;
        return switch (keyword) {
            case "const" -> listed(Stream.of(value), schema, at);
            case "enum" -> listed(list(value, inside), schema, at);
            case "$ref" -> reference(value, inside);
            case "allOf" -> {
                if (value.size() != 1) {
                    throw wrong(inside, "has other than one schema, which is not supported");
                }
                yield value(value.get(0), inside + "/0");
            }
            default -> {
                List<Automaton> ways = new ArrayList<>();
                list(value, inside).forEach(one -> ways.add(value(one, inside + "/" + ways.size())));
                if (keyword.equals("oneOf")) {
                    apart(value, inside);
                }
                yield Operations.union(ways);
            }
        };
    }

    /** Those of some values that have the schema's type. */
    private static Automaton listed(Stream<JsonNode> values, JsonNode schema, String at) {
        List<String> types = schema.has("type") ? types(schema, at, Set.of()) : List.copyOf(BY_TYPE.keySet());
        List<Automaton> ways = values.filter(value -> types.stream().anyMatch(type -> isOf(value, type)))
                .map(value -> Automata.makeString(value.toString())).toList();
        if (ways.isEmpty()) {
            throw wrong(at, "lists no value of its type");
        }
        return Operations.union(ways);
    }

    static boolean isOf(JsonNode value, String type) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isTextual();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            default -> value.isNull();
        };
    }

    private static Stream<JsonNode> list(JsonNode value, String at) {
        if (!value.isArray() || value.isEmpty()) {
            throw wrong(at, "is not a list of something");
        }
        List<JsonNode> all = new ArrayList<>();
        value.forEach(all::add);
        return all.stream();
    }

    private void apart(JsonNode schemas, String at) {
        ApartSchemas apart = new ApartSchemas(root);
        for (int i = 0; i < schemas.size(); i++) {
            for (int other = 0; other < i; other++) {
                if (!apart.areApart(schemas.get(other), schemas.get(i))) {
                    throw wrong(at, "has schemas " + other + " and " + i
                            + " that may accept the same value, which is not supported; anyOf is");
                }
            }
        }
    }

    private Automaton reference(JsonNode value, String at) {
        String target = value.asText();
        if (!target.equals("#") && !target.startsWith("#/")) {
            throw wrong(at, "leads out of the schema, which is not supported");
        }
        boolean circle = circles.computeIfAbsent(target, this::leadsToItself);
        if (circle && left == 0) {
            return Automata.makeEmpty();
        }
        left -= circle ? 1 : 0;
        String key = left + target;
        Automaton known = referred.get(key);
        if (known == null) {
            known = value(root.at(target.substring(1)), target.substring(1));
            referred.put(key, known);
        }
        left += circle ? 1 : 0;
        return known;
    }

    private boolean leadsToItself(String target) {
        Set<String> seen = new HashSet<>();
        Deque<String> open = new ArrayDeque<>(List.of(target));
        while (!open.isEmpty()) {
            for (String next : root.at(open.remove().substring(1)).findValuesAsText("$ref")) {
                if (next.equals(target)) {
                    return true;
                }
                if (next.startsWith("#") && seen.add(next)) {
                    open.add(next);
                }
            }
        }
        return false;
    }

    private static List<String> types(JsonNode schema, String at, Set<String> told) {
        JsonNode type = schema.path("type");
        List<String> types = new ArrayList<>();
        if (type.isTextual()) {
            types.add(type.textValue());
        } else if (type.isArray()) {
            type.forEach(one -> types.add(one.asText()));
        } else if (type.isMissingNode()) {
            // the keywords tell it, or nothing does
            Stream.of("object", "array", "string", "integer").filter(one -> keywords(one).stream()
                    .anyMatch(told::contains)).forEach(types::add);
            if (types.isEmpty()) {
                types.addAll(List.of("object", "array", "string", "number", "boolean", "null"));
            } else if (types.size() > 1 || types.contains("integer")) {
                throw wrong(at, "has no type");
            }
        }
        if (types.isEmpty() || !BY_TYPE.keySet().containsAll(types)) {
            throw wrong(at, "has the type " + type + ", which is none of " + new TreeSet<>(BY_TYPE.keySet()));
        }
        return types;
    }

    private Automaton object(JsonNode schema, String at) {
        JsonNode properties = schema.path("properties");
        JsonNode more = schema.path("additionalProperties");
        Set<String> required = new TreeSet<>();
        schema.path("required").forEach(name -> required.add(name.asText()));
        for (String name : required) {
            if (!properties.has(name)) {
                throw wrong(at, "requires the property \"" + name + "\", which it does not describe");
            }
        }
        if (properties.isEmpty()) {
            boolean none = more.isBoolean() && !more.booleanValue();
            return none
                    ? Regex.whole("\\{\\}")
                    : JsonTexts.map(
                            more.isObject() ? value(more, at + "/additionalProperties") : texts.anything(DEEPEST - 1));
        }
        List<Automaton> items = new ArrayList<>();
        List<Boolean> optional = new ArrayList<>();
        for (Map.Entry<String, JsonNode> property : properties.properties()) {
            String name = property.getKey();
            Automaton value = value(property.getValue(), at + "/properties/" + name);
            if (Operations.isEmpty(value)) {
                if (required.contains(name)) {
                    return value;
                }
                continue;
            }
            items.add(TextAutomaton.least(Operations.concatenate(List.of(
                    Automata.makeString(new TextNode(name).toString()), JsonTexts.COLON, value))));
            optional.add(!required.contains(name));
        }
        // from the last one on: what follows where something stands before it, and where nothing does
        Automaton after = Automata.makeEmptyString();
        Automaton first = Automata.makeEmptyString();
        for (int i = items.size() - 1; i >= 0; i--) {
            Automaton item = items.get(i);
            Automaton begun = Operations.concatenate(item, after);
            first = optional.get(i) ? Operations.union(begun, first) : begun;
            Automaton next = Operations.concatenate(JsonTexts.COMMA, item);
            after = Operations.concatenate(optional.get(i) ? Operations.optional(next) : next, after);
        }
        return JsonTexts.braces('{', first, '}');
    }

    private Automaton array(JsonNode schema, String at) {
        JsonNode items = schema.path("items");
        if (schema.has("prefixItems")) {
            return tuple(schema, at);
        }
        return JsonTexts.items(items.isMissingNode() ? texts.anything(DEEPEST - 1) : value(items, at + "/items"),
                count(schema, "minItems", at, 0), count(schema, "maxItems", at, -1));
    }

    /** Of as many items as are described one by one. */
    private Automaton tuple(JsonNode schema, String at) {
        String inside = at + "/prefixItems";
        List<Automaton> parts = new ArrayList<>();
        list(schema.get("prefixItems"), inside).forEach(one -> {
            if (!parts.isEmpty()) {
                parts.add(JsonTexts.COMMA);
            }
            parts.add(value(one, inside + "/" + (parts.size() + 1) / 2));
        });
        int items = (parts.size() + 1) / 2;
        if (count(schema, "minItems", at, 0) > items || count(schema, "maxItems", at, items) < items) {
            throw wrong(at, "has minItems or maxItems for which its prefixItems, which are " + items
                    + ", are too few or too many");
        }
        return JsonTexts.braces('[', Operations.concatenate(parts), ']');
    }

    private static int count(JsonNode schema, String keyword, String at, int otherwise) {
        JsonNode value = schema.path(keyword);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isIntegralNumber() || value.longValue() < 0 || value.longValue() > 10_000) {
            throw wrong(at, "has " + keyword + " " + value + ", which has to be from 0 to 10000");
        }
        return value.intValue();
    }

    static Automaton string(JsonNode schema, String at) {
        int least = count(schema, "minLength", at, 0);
        int most = count(schema, "maxLength", at, -1);
        String format = schema.path("format").asText("");
        JsonNode pattern = schema.path("pattern");
        if (format.isEmpty() && pattern.isMissingNode()) {
            return JsonTexts.quotes(JsonTexts.times(JsonTexts.CHARACTER, least, most));
        }
        String shape = FORMATS.get(format);
        if (!format.isEmpty() && shape == null) {
            throw wrong(at, "has the format \"" + format + "\", which is none of " + new TreeSet<>(FORMATS.keySet()));
        }
        Automaton texts = JsonTexts.times(JsonTexts.PLAIN, least, most);
        if (shape != null) {
            texts = Operations.intersection(texts, Regex.whole(shape));
        }
        if (!pattern.isMissingNode()) {
            texts = Operations.intersection(texts, pattern(pattern.asText(), at));
        }
        if (Operations.isEmpty(texts)) {
            throw wrong(at, "accepts no string without quotes, backslashes and control characters");
        }
        return JsonTexts.quotes(texts);
    }

    private static Automaton pattern(String source, String at) {
        try {
            return TextAutomaton.least(Regex.somewhere(source));
        } catch (GrammarException e) {
            throw wrong(at, "has a pattern that " + e.getMessage());
        }
    }

    static GrammarException wrong(String at, String what) {
        return new GrammarException((at.isEmpty() ? "" : "at " + at + " ") + what);
    }
}
