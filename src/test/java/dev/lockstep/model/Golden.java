package dev.lockstep.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** The golden cases: tiny checkpoints with what transformers computed for them. */
public final class Golden {
    /** The folder of all cases; also holds the tokenizer that the checkpoints share. */
    public static final Path FOLDER = Path.of(System.getProperty("lockstep.home", "."), "src/test/resources/golden");

    public static final List<String> CHECKPOINTS = List.of("llama-gqa", "llama-gqa-bfloat16", "llama-gqa-float16",
            "llama-mha-bias", "llama3-rope", "mistral-sliding", "qwen2", "qwen3", "phi3", "phi3-partial", "smollm3",
            "olmo2", "gemma2", "gemma3");

    private Golden() {}

    public static Path checkpoint(String name) {
        return FOLDER.resolve(name);
    }

    public static JsonNode json(String file) {
        try {
            return new ObjectMapper().readTree(FOLDER.resolve(file).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A copy that a test may damage. */
    public static Path copy(String checkpoint, Path parent) {
        return copy(checkpoint(checkpoint), parent.resolve(checkpoint));
    }

    /** Makes {@code copy} a copy of a checkpoint's directory. */
    public static Path copy(Path checkpoint, Path copy) {
        try (Stream<Path> files = Files.list(checkpoint)) {
            Files.createDirectories(copy);
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }

    /** A copy with the tokenizer beside it, as users have theirs. */
    public static Path copyWithTokenizer(String checkpoint, Path parent) {
        Path copy = copy(checkpoint, parent);
        try {
            Files.copy(FOLDER.resolve("tokenizer.json"), copy.resolve("tokenizer.json"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }

    /** What transformers computed for a checkpoint. */
    public static JsonNode expected(String checkpoint) {
        return json(checkpoint + "/expected.json");
    }

    /** {@link #CHECKPOINTS} for parameterized tests. */
    public static List<String> checkpoints() {
        return CHECKPOINTS;
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
