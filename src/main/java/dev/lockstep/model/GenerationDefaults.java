package dev.lockstep.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What a checkpoint says about how to generate with it; null where it says nothing. The names are those of
 * transformers' {@code GenerationConfig}.
 *
 * @param eosTokenIds tokens that end a row: {@code generation_config.json}'s, else {@code config.json}'s, else empty
 */
public record GenerationDefaults(Boolean doSample, Double temperature, Integer topK, Double topP, Double minP,
        Double repetitionPenalty, Integer maxNewTokens, List<Integer> eosTokenIds) {

    /**
     * Reads {@code generation_config.json}, which may be absent, and the end tokens of {@code config.json}.
     *
     * @throws ModelException when a value has the wrong type
     */
    static GenerationDefaults read(Path directory) {
        JsonFile config = JsonFile.read(directory.resolve("config.json"));
        Path file = directory.resolve("generation_config.json");
        if (!Files.exists(file)) {
            return new GenerationDefaults(null, null, null, null, null, null, null,
                    endTokens(config).orElse(List.of()));
        }
        JsonFile json = JsonFile.read(file);
        return new GenerationDefaults(json.flag("do_sample").orElse(null), json.number("temperature").orElse(null),
                json.integer("top_k").orElse(null), json.number("top_p").orElse(null),
                json.number("min_p").orElse(null), json.number("repetition_penalty").orElse(null),
                json.positive("max_new_tokens").orElse(null),
                endTokens(json).or(() -> endTokens(config)).orElse(List.of()));
    }

    private static Optional<List<Integer>> endTokens(JsonFile json) {
        String key = "eos_token_id";
        return json.value(key).map(node -> {
            List<Integer> ids = new ArrayList<>();
            for (JsonNode id : node.isArray() ? node : List.of(node)) {
                if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
                    throw json.wrong(key, node, "a token id or a list of them");
                }
                ids.add(id.intValue());
            }
            return List.copyOf(ids);
        });
    }
}
