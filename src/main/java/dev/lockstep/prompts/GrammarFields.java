package dev.lockstep.prompts;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.grammar.Grammar;
import dev.lockstep.grammar.GrammarException;
import dev.lockstep.json.FieldException;
import dev.lockstep.json.JsonFields;

/** What a text is to be like, as rows and OpenAI's requests write it. */
final class GrammarFields {
    private static final String BOTH = " both say what the whole text is like, so give one of them";
    private static final String REGEX = "guided_regex";
    private static final String JSON = "guided_json";
    private static final String OBJECT = "guided_json_object";
    private static final String FORMAT = "response_format";

    private static final String STRUCTURED = "structured_outputs";
    /** What vLLM calls them there. */
    private static final Map<String, String> NAMES = Map.of("regex", REGEX, "json", JSON, "json_object", OBJECT,
            "choice",
            "guided_choice");

    private GrammarFields() {}

    /**
     * The same with what {@code structured_outputs} has under the names of fields of their own.
     *
     * @throws FieldException when it has what is not supported, or what the row has as well
     */
    static JsonFields flat(JsonFields fields) {
        if (!fields.has(STRUCTURED)) {
            return fields;
        }
        JsonNode outputs = fields.object().get(STRUCTURED);
        if (!outputs.isObject()) {
            throw JsonFields.wrong(STRUCTURED, "an object", outputs);
        }
        ObjectNode flat = fields.object().deepCopy();
        outputs.properties().forEach(output -> {
            String name = NAMES.get(output.getKey());
            if (output.getValue().isNull()) {
                return;
            }
            if (name == null) {
                throw new FieldException(STRUCTURED, "has \"" + output.getKey() + "\", which is not supported");
            }
            if (fields.has(name)) {
                throw new FieldException(name, "and " + STRUCTURED + BOTH);
            }
            flat.set(name, output.getValue());
        });
        return new JsonFields(flat);
    }

    /**
     * Null where no field says anything.
     *
     * @throws FieldException naming the field that is wrong or asks for what is not supported, or one of two
     */
    static @Nullable Grammar read(JsonFields fields) {
        List<String> said = new ArrayList<>();
        List<Grammar> grammars = new ArrayList<>();
        if (fields.has(REGEX)) {
            String source = fields.string(REGEX);
            said.add(REGEX);
            grammars.add(Grammar.regex(source == null ? "" : source));
        }
        if (fields.has(JSON)) {
            JsonNode schema = fields.object().get(JSON);
            said.add(JSON);
            grammars.add(Grammar.schema(schema.isTextual() ? schema.textValue() : schema.toString()));
        }
        if (Boolean.TRUE.equals(fields.flag(OBJECT))) {
            said.add(OBJECT);
            grammars.add(Grammar.JSON_OBJECT);
        }
        Grammar format = fields.has(FORMAT) ? format(fields.object().get(FORMAT)) : null;
        if (format != null) {
            said.add(FORMAT);
            grammars.add(format);
        }
        if (grammars.isEmpty()) {
            return null;
        }
        if (fields.has("guided_choice")) {
            said.add("guided_choice");
        }
        if (said.size() > 1) {
            throw new FieldException(said.get(0), "and " + said.get(1) + BOTH);
        }
        try {
            return grammars.get(0).checked();
        } catch (GrammarException e) {
            throw new FieldException(said.get(0), String.valueOf(e.getMessage()));
        }
    }

    private static @Nullable Grammar format(JsonNode format) {
        return switch (format.path("type").asText()) {
            case "text" -> null;
            case "json_object" -> Grammar.JSON_OBJECT;
            case "json_schema" -> {
                JsonNode schema = format.path("json_schema").path("schema");
                if (!schema.isObject()) {
                    throw JsonFields.wrong(FORMAT, "an object whose json_schema has a schema", format);
                }
                yield Grammar.schema(schema.toString());
            }
            default -> throw JsonFields.wrong(FORMAT,
                    "an object whose type is \"text\", \"json_object\" or \"json_schema\"", format);
        };
    }
}
