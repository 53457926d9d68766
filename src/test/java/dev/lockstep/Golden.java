package dev.lockstep;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** The golden cases: what transformers computed in float32 on CPU. */
public final class Golden {
    private static final Path ROOT = Path.of(System.getProperty("lockstep.home"), "src/test/resources/golden");

    private Golden() {}

    /** Every family that has a golden checkpoint. */
    public static Stream<String> families() {
        return Stream.of("llama-gqa", "llama-gqa-bfloat16", "llama-gqa-float16", "llama-mha-bias", "llama3-rope",
                "mistral-sliding", "qwen2", "qwen3");
    }

    /** A family's checkpoint without a tokenizer, as it lies among the resources. */
    public static Path stored(String family) {
        return ROOT.resolve(family);
    }

    /** A family's checkpoint as a user would have it, with the tokenizer that all of them share. */
    public static Path checkpoint(String family, Path parent) {
        try (Stream<Path> files = Files.list(stored(family))) {
            Path directory = Files.createDirectories(parent.resolve(family));
            for (Path file : files.toList()) {
                Files.copy(file, directory.resolve(file.getFileName()));
            }
            Files.copy(ROOT.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What was computed for a family. */
    public static JsonNode expected(String family) {
        return json(family + "/expected.json");
    }

    /** A file of the golden cases. */
    public static JsonNode json(String file) {
        try {
            return new ObjectMapper().readTree(ROOT.resolve(file).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    public static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }
}
