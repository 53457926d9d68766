package dev.lockstep.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** One JSON object with the file it came from, so that each complaint about a value can say where it stands. */
final class JsonFile {
    static final JsonMapper JSON = JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final Path file;
    private final JsonNode object;

    private JsonFile(Path file, JsonNode object) {
        this.file = file;
        this.object = object;
    }

    static JsonFile read(Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new ModelException(file + " does not exist.", e);
        } catch (IOException e) {
            throw new ModelException(file + " cannot be read: " + e.getMessage() + ".", e);
        }
        return parse(file, bytes, "");
    }

    /**
     * @param part what of the file the bytes are, with a leading blank, or empty for all of it
     */
    static JsonFile parse(Path file, byte[] bytes, String part) {
        JsonNode node;
        try {
            node = JSON.readTree(bytes);
        } catch (JsonProcessingException e) {
            // Jackson's message may go on about where an object began; one place is enough
            String what = e.getOriginalMessage().replaceFirst(" \\((for|start marker) .*", "");
            throw new ModelException(file + part + " is not valid JSON at line " + e.getLocation().getLineNr()
                    + ", column " + e.getLocation().getColumnNr() + ": " + what + ".", e);
        } catch (IOException e) {
            throw new ModelException(file + part + " is not valid JSON: " + e.getMessage() + ".", e);
        }
        if (!node.isObject()) {
            throw new ModelException(file + part + " must hold a JSON object.");
        }
        return new JsonFile(file, node);
    }

    JsonNode object() {
        return object;
    }

    /** Another object of the same file. */
    JsonFile with(JsonNode other) {
        return new JsonFile(file, other);
    }

    /** The value, where the key is there and not null. */
    Optional<JsonNode> value(String key) {
        return Optional.ofNullable(object.get(key)).filter(node -> !node.isNull());
    }

    boolean has(String key) {
        return object.has(key);
    }

    /** The object under the key as one of its own, for complaints in the same file; empty where absent or null. */
    Optional<JsonFile> object(String key) {
        return value(key).map(node -> {
            if (!node.isObject()) {
                throw wrong(key, node, "an object");
            }
            return with(node);
        });
    }

    Optional<Integer> integer(String key) {
        return value(key).map(node -> {
            if (!node.isIntegralNumber() || !node.canConvertToInt()) {
                throw wrong(key, node, "an integer");
            }
            return node.intValue();
        });
    }

    Optional<Integer> positive(String key) {
        Optional<Integer> number = integer(key);
        if (number.isPresent() && number.get() <= 0) {
            throw wrong(key, object.get(key), "an integer above 0");
        }
        return number;
    }

    Optional<Double> number(String key) {
        return value(key).map(node -> {
            if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
                throw wrong(key, node, "a number");
            }
            return node.doubleValue();
        });
    }

    Optional<Boolean> flag(String key) {
        return value(key).map(node -> {
            if (!node.isBoolean()) {
                throw wrong(key, node, "true or false");
            }
            return node.booleanValue();
        });
    }

    Optional<String> text(String key) {
        return value(key).map(node -> {
            if (!node.isTextual()) {
                throw wrong(key, node, "a string");
            }
            return node.textValue();
        });
    }

    ModelException wrong(String key, JsonNode node, String wanted) {
        return new ModelException(file + ": " + key + " must be " + wanted + ", not " + node + ".");
    }

    ModelException fault(String sentence) {
        return new ModelException(file + ": " + sentence);
    }
}
