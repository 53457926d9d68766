package dev.lockstep.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;

/**
 * What a checkpoint says about how to generate with it, where transformers looks for it: in
 * {@code generation_config.json}, or in {@code config.json} where there is no such file.
 *
 * @param file        the file that says it
 * @param fields      the {@linkplain GenerationField fields} that are there and not null; not to be changed
 * @param eosTokenIds tokens of the model's vocabulary that end a row
 */
public record GenerationDefaults(Path file, ObjectNode fields, List<Integer> eosTokenIds) {
    /** Where a model has a text part, its own fields come after those of the whole. */
    private static final String TEXT_PART = "text_config";

    /**
     * @param vocabulary the model's; no token beyond it ever comes up, so none ends a row
     * @throws ModelException when a file is no JSON object or end tokens are no numbers
     */
    static GenerationDefaults read(Path directory, int vocabulary) {
        Path file = directory.resolve("generation_config.json");
        if (Files.exists(file)) {
            JsonFile json = JsonFile.read(file);
            return new GenerationDefaults(file, fields(json.object()), endTokens(json, vocabulary));
        }
        Path config = directory.resolve("config.json");
        JsonFile json = JsonFile.read(config);
        ObjectNode fields = json.object().path(TEXT_PART)instanceof ObjectNode text
                ? fields(text)
                : JsonFile.JSON.createObjectNode();
        fields.setAll(fields(json.object()));
        return new GenerationDefaults(config, fields, endTokens(json.with(fields), vocabulary));
    }

    private static ObjectNode fields(JsonNode object) {
        ObjectNode fields = JsonFile.JSON.createObjectNode();
        for (GenerationField field : GenerationField.values()) {
            if (object.hasNonNull(field.key())) {
                fields.set(field.key(), object.get(field.key()));
            }
        }
        return fields;
    }

    /**
     * The same without some fields, and without those that make no difference.
     *
     * @param ignored names of fields
     * @throws ModelException when one that is left asks for what is not done here
     */
    public GenerationDefaults without(Collection<String> ignored) {
        ObjectNode left = JsonFile.JSON.createObjectNode();
        for (GenerationField field : GenerationField.values()) {
            JsonNode value = fields.get(field.key());
            if (value == null || ignored.contains(field.key())) {
                continue;
            }
            if (field.refuses(value)) {
                throw new ModelException(file + ": " + field.key() + " asks for " + field.what()
                        + ", which is not done here; --ignore-generation-config " + field.key()
                        + " goes on without it.");
            }
            if (field.treatment() == GenerationField.Treatment.HONOURED) {
                left.set(field.key(), value);
            }
        }
        return new GenerationDefaults(file, left,
                ignored.contains(GenerationField.EOS_TOKEN_ID.key()) ? List.of() : eosTokenIds);
    }

    private static List<Integer> endTokens(JsonFile json, int vocabulary) {
        String key = GenerationField.EOS_TOKEN_ID.key();
        List<Integer> ids = new ArrayList<>();
        json.value(key).ifPresent(node -> {
            for (JsonNode id : node.isArray() ? node : List.of(node)) {
                if (!id.isIntegralNumber()) {
                    throw json.wrong(key, node, "a token id or a list of them");
                }
                if (id.canConvertToInt() && id.intValue() >= 0 && id.intValue() < vocabulary) {
                    ids.add(id.intValue());
                }
            }
        });
        return List.copyOf(ids);
    }
}
