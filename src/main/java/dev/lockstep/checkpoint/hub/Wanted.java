package dev.lockstep.checkpoint.hub;

import java.util.List;
import java.util.stream.Stream;

/** What is looked for under a name. */
enum Wanted {
    /** All of a model but its weights. */
    SETTINGS("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
            "special_tokens_map.json", "chat_template.jinja", "chat_template.json"),
    /** A model. */
    MODEL(SETTINGS.settings.toArray(String[]::new)),
    /** A model for embeddings, with what sentence-transformers says of these. */
    EMBEDDING(Stream.concat(SETTINGS.settings.stream(), Stream.of("modules.json", "1_Pooling/config.json"))
            .toArray(String[]::new)),
    /** A LoRA adapter, whose weights are in one file always. */
    ADAPTER(WeightFiles.ADAPTER_CONFIG);

    /** What is read besides weights, as far as it is there. */
    final List<String> settings;

    Wanted(String... settings) {
        this.settings = List.of(settings);
    }

    /** The one of {@link #settings} that there must be. */
    String config() {
        return settings.get(0);
    }
}
