package dev.lockstep.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.model.JsonFile;

/** What a checkpoint calls its special tokens, by their names in transformers. */
final class SpecialTokens {
    static final String BEGIN = "bos_token";
    static final String CONFIG = "tokenizer_config.json";
    private static final List<String> NAMES = List.of(BEGIN, "eos_token", "unk_token", "sep_token", "pad_token",
            "cls_token", "mask_token");

    private SpecialTokens() {}

    /** Its {@value #CONFIG}, where there is one. */
    static Optional<JsonFile> config(Path directory) {
        Path file = directory.resolve(CONFIG);
        return Files.exists(file) ? Optional.of(JsonFile.read(file)) : Optional.empty();
    }

    /**
     * Those that {@value #CONFIG} names, and of the others those of {@code special_tokens_map.json}.
     *
     * @throws dev.lockstep.model.ModelException naming the file that says something else
     */
    static Map<String, Object> of(Path directory, Optional<JsonFile> config) {
        Map<String, Object> tokens = new LinkedHashMap<>();
        Path map = directory.resolve("special_tokens_map.json");
        if (Files.exists(map)) {
            add(JsonFile.read(map), tokens);
        }
        config.ifPresent(file -> add(file, tokens));
        return tokens;
    }

    private static void add(JsonFile file, Map<String, Object> tokens) {
        for (String name : NAMES) {
            file.value(name).ifPresent(token -> {
                JsonNode content = token.isObject() ? token.path("content") : token;
                if (!content.isTextual()) {
                    throw file.wrong(name, token, "a string or an object with content");
                }
                tokens.put(name, content.textValue());
            });
        }
    }
}
