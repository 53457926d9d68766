package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.generate.Embedding;
import dev.lockstep.generate.Embedding.Pooling;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/**
 * How a checkpoint's embeddings are made: as sentence-transformers' files beside it say, {@code modules.json} and the pooling's
 * configuration, or where there are none the last token's hidden state, divided by its length.
 */
final class CheckpointEmbedding {
    private static final String MODULES = "modules.json";
    private static final Path POOLING = Path.of("1_Pooling", "config.json");
    private static final Map<String, Pooling> MODES = Map.of("pooling_mode_lasttoken", Pooling.LAST,
            "pooling_mode_mean_tokens", Pooling.MEAN, "pooling_mode_cls_token", Pooling.CLS);
    private static final List<String> OTHER_MODES = List.of("pooling_mode_max_tokens",
            "pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens");

    private CheckpointEmbedding() {}

    /**
     * @param directory of the checkpoint
     * @param pooling   {@code auto}, {@code last}, {@code mean} or {@code cls}
     * @param normalize whether vectors are divided by their length; empty where the checkpoint is to say
     * @param dimensions of each vector; 0 for all
     * @throws ModelException when the checkpoint's embeddings are made otherwise, or its files cannot be read
     */
    static Embedding of(Path directory, String pooling, Optional<Boolean> normalize, int dimensions) {
        JsonNode config = JsonFile.read(directory.resolve("config.json")).object();
        if (config.path("use_bidirectional_attention").asBoolean(false) || !config.path("is_causal").asBoolean(true)) {
            throw new ModelException(directory.resolve("config.json") + " asks for tokens that see those behind them,"
                    + " which is not supported");
        }
        boolean normalized = true;
        if (Files.exists(directory.resolve(MODULES))) {
            normalized = false;
            for (JsonNode module : list(directory.resolve(MODULES))) {
                String type = module.path("type").asText();
                String name = type.substring(type.lastIndexOf('.') + 1);
                switch (name) {
                    case "Transformer", "Pooling" -> {
                    }
                    case "Normalize" -> normalized = true;
                    default -> throw new ModelException(directory.resolve(MODULES) + " has a module " + name
                            + " behind the pooling, which is not supported");
                }
            }
        }
        return new Embedding(
                pooling.equals("auto") ? pooling(directory) : Pooling.valueOf(pooling.toUpperCase(Locale.ROOT)),
                normalize.orElse(normalized), dimensions);
    }

    /** No object, as all other files are. */
    private static JsonNode list(Path file) {
        byte[] bytes = ModelFile.read(file, ModelFile.MEGABYTE);
        try {
            return JsonFile.JSON.readTree(bytes);
        } catch (IOException e) {
            throw JsonFile.invalid(file, "", e, bytes);
        }
    }

    private static Pooling pooling(Path directory) {
        Path file = directory.resolve(POOLING);
        if (!Files.exists(file)) {
            return Pooling.LAST;
        }
        JsonNode config = JsonFile.read(file).object();
        List<Pooling> modes = MODES.entrySet().stream().filter(mode -> config.path(mode.getKey()).asBoolean())
                .map(Map.Entry::getValue).toList();
        if (modes.size() != 1 || OTHER_MODES.stream().anyMatch(mode -> config.path(mode).asBoolean())) {
            throw new ModelException(file + " asks for another pooling than the last token's, the mean or the first"
                    + " token's: name one of these with --pooling last, mean or cls");
        }
        return modes.get(0);
    }
}
