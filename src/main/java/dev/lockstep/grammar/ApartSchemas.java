package dev.lockstep.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/**
 * Whether schemas of a oneOf accept no value in common. Their texts are some of those of what they accept, so that these do not
 * tell; types, values that are listed, ranges, strings, and the properties that an object must have do.
 */
final class ApartSchemas {
    /** Schemas within each other that are looked at. */
    private static final int DEEPEST = 8;
    private static final Set<String> ALL = Set.of("object", "array", "string", "number", "boolean", "null");

    private final JsonNode root;

    ApartSchemas(JsonNode root) {
        this.root = root;
    }

    /** False where it does not know. */
    boolean areApart(JsonNode one, JsonNode other) {
        return areApart(one, other, DEEPEST);
    }

    private boolean areApart(JsonNode first, JsonNode second, int deep) {
        JsonNode one = followed(first);
        JsonNode other = followed(second);
        if (deep == 0 || !one.isObject() || !other.isObject()) {
            return false;
        }
        for (String keyword : List.of("anyOf", "oneOf")) {
            if (one.has(keyword)) {
                return all(one.get(keyword), way -> areApart(way, other, deep - 1));
            }
            if (other.has(keyword)) {
                return all(other.get(keyword), way -> areApart(one, way, deep - 1));
            }
        }
        if (isListed(one) || isListed(other)) {
            return isListed(one) ? isApart(values(one), other) : isApart(values(other), one);
        }
        Set<String> types = types(one);
        types.retainAll(types(other));
        return types.stream().allMatch(type -> switch (type) {
            case "object" -> requires(one, other, deep) || requires(other, one, deep);
            case "string" -> isEmpty(one, other, JsonSchema::string);
            case "number" -> isEmpty(one, other, NumberSchema::number);
            default -> false;
        });
    }

    private static boolean isEmpty(JsonNode one, JsonNode other, BiFunction<JsonNode, String, Automaton> texts) {
        return Operations.isEmpty(Operations.intersection(texts.apply(one, ""), texts.apply(other, "")));
    }

    private JsonNode followed(JsonNode schema) {
        JsonNode node = schema;
        for (int i = 0; i < DEEPEST; i++) {
            String target = node.path("$ref").asText("");
            if (target.startsWith("#")) {
                node = root.at(target.substring(1));
            } else if (node.path("allOf").size() == 1) {
                node = node.get("allOf").get(0);
            }
        }
        return node;
    }

    private static boolean all(JsonNode ways, Predicate<JsonNode> holds) {
        for (JsonNode way : ways) {
            if (!holds.test(way)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isListed(JsonNode schema) {
        return schema.has("const") || schema.has("enum");
    }

    private static List<JsonNode> values(JsonNode schema) {
        List<JsonNode> values = new ArrayList<>();
        if (schema.has("const")) {
            values.add(schema.get("const"));
        } else {
            schema.get("enum").forEach(values::add);
        }
        return values;
    }

    /** Of values that are listed and a schema that may list others. */
    private static boolean isApart(List<JsonNode> values, JsonNode schema) {
        BiPredicate<JsonNode, JsonNode> same = (a, b) -> a.isNumber() && b.isNumber()
                ? a.decimalValue().compareTo(b.decimalValue()) == 0
                : a.equals(b);
        if (isListed(schema)) {
            return values.stream()
                    .noneMatch(value -> values(schema).stream().anyMatch(other -> same.test(value, other)));
        }
        Set<String> types = types(schema);
        return values.stream().noneMatch(value -> types.stream().anyMatch(type -> JsonSchema.isOf(value, type)));
    }

    /** That it names, integers as numbers; all where it names none. */
    private static Set<String> types(JsonNode schema) {
        Set<String> types = new TreeSet<>();
        JsonNode type = schema.path("type");
        if (type.isTextual()) {
            types.add(type.textValue());
        } else {
            type.forEach(each -> types.add(each.asText()));
        }
        if (types.remove("integer")) {
            types.add("number");
        }
        return types.isEmpty() ? new TreeSet<>(ALL) : types;
    }

    /** Whether an object of the one has a property that those of the other have not, or not so. */
    private boolean requires(JsonNode one, JsonNode other, int deep) {
        JsonNode described = other.path("properties");
        for (JsonNode required : one.path("required")) {
            String name = required.asText();
            if (described.has(name)
                    ? areApart(one.path("properties").path(name), described.get(name), deep - 1)
                    : other.path("additionalProperties").isBoolean()
                            && !other.get("additionalProperties").booleanValue()) {
                return true;
            }
        }
        return false;
    }
}
