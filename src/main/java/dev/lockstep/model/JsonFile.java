package dev.lockstep.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.lockstep.host.Printable;

/** One JSON object with the file it came from, so that each complaint about a value can say where it stands. */
public final class JsonFile {
    /**
     * Takes NaN and Infinity, which Python reads and writes. Names and strings may be as long as the file; a tree of so
     * many tokens fits into any heap that a model needs.
     */
    public static final JsonMapper JSON = JsonMapper
            .builder(JsonFactory.builder().streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE).maxNameLength(Integer.MAX_VALUE).maxTokenCount(8_000_000L)
                    .build()).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /** Real ones have some kilobytes. */
    private static final int LARGEST = 8 * ModelFile.MEGABYTE;

    private final Path file;
    private final JsonNode object;

    private JsonFile(Path file, JsonNode object) {
        this.file = file;
        this.object = object;
    }

    public static JsonFile read(Path file) {
        return read(file, LARGEST);
    }

    /** {@link #read(Path)} of a file that may have so many bytes. */
    public static JsonFile read(Path file, int most) {
        return read(file, most, JSON.reader());
    }

    /** {@link #read(Path, int)} of a file that may name a thing twice; the last one counts. */
    public static JsonFile readLast(Path file, int most) {
        return read(file, most, JSON.reader().without(StreamReadFeature.STRICT_DUPLICATE_DETECTION));
    }

    private static JsonFile read(Path file, int most, ObjectReader reader) {
        byte[] bytes = ModelFile.read(file, most);
        JsonNode node;
        try {
            node = reader.readTree(bytes);
        } catch (IOException e) {
            throw invalid(file, "", e, bytes);
        }
        if (node == null || !node.isObject()) {
            throw new ModelException(file + " must hold a JSON object.");
        }
        return new JsonFile(file, node);
    }

    /**
     * @param part  what of the file is not valid, with a leading blank, or empty for all of it
     * @param bytes that were read, of the whole file
     */
    public static ModelException invalid(Path file, String part, IOException e, byte[] bytes) {
        Optional<String> mistaken = part.isEmpty()
                ? ModelFile.mistaken(Arrays.copyOf(bytes, Math.min(bytes.length, 512)))
                : Optional.empty();
        if (mistaken.isPresent()) {
            return new ModelException(file + mistaken.get(), e);
        }
        if (e instanceof StreamConstraintsException) {
            return new ModelException(file + part + " is not JSON that can be read: " + limit(e) + ".", e);
        }
        if (!(e instanceof JsonProcessingException json)) {
            return new ModelException(file + part + " is not valid JSON: " + e.getMessage() + ".", e);
        }
        // Jackson's message may go on about where an object began, what is bound to what and which of its switches is off
        String what = json.getOriginalMessage().replaceFirst("(?s) \\((for|start marker|of type|consider) .*", "");
        String where = json.getLocation() == null
                ? ""
                : " at line " + json.getLocation().getLineNr() + ", column " + json.getLocation().getColumnNr();
        return new ModelException(file + part + " is not valid JSON" + where + ": " + what + ".", e);
    }

    private static String limit(IOException e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("depth")) {
            return "it is nested more than 1,000 deep";
        }
        return message.contains("Number") ? "it has a number of more than 1,000 digits" : "it has too many values";
    }

    public JsonNode object() {
        return object;
    }

    /** Another object of the same file. */
    public JsonFile with(JsonNode other) {
        return new JsonFile(file, other);
    }

    /** The value, where the key is there and not null. */
    public Optional<JsonNode> value(String key) {
        return Optional.ofNullable(object.get(key)).filter(node -> !node.isNull());
    }

    public boolean has(String key) {
        return object.has(key);
    }

    /** The object under the key as one of its own, for complaints in the same file; empty where absent or null. */
    public Optional<JsonFile> object(String key) {
        return value(key).map(node -> {
            if (!node.isObject()) {
                throw wrong(key, node, "an object");
            }
            return with(node);
        });
    }

    public Optional<JsonNode> array(String key) {
        return value(key).map(node -> {
            if (!node.isArray()) {
                throw wrong(key, node, "a list");
            }
            return node;
        });
    }

    public Optional<Integer> integer(String key) {
        return value(key).map(node -> {
            if (!node.isIntegralNumber() || !node.canConvertToInt()) {
                throw wrong(key, node, "an integer");
            }
            return node.intValue();
        });
    }

    /** The number under the key; empty where absent or null. */
    public Optional<Integer> positive(String key) {
        Optional<Integer> number = integer(key);
        if (number.isPresent() && number.get() <= 0) {
            throw wrong(key, object.get(key), "an integer above 0");
        }
        return number;
    }

    public Optional<Double> number(String key) {
        return value(key).map(node -> {
            if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
                throw wrong(key, node, "a number");
            }
            return node.doubleValue();
        });
    }

    public Optional<Boolean> flag(String key) {
        return value(key).map(node -> {
            if (!node.isBoolean()) {
                throw wrong(key, node, "true or false");
            }
            return node.booleanValue();
        });
    }

    public Optional<String> text(String key) {
        return value(key).map(node -> {
            if (!node.isTextual()) {
                throw wrong(key, node, "a string");
            }
            return node.textValue();
        });
    }

    public ModelException wrong(String key, JsonNode node, String wanted) {
        return new ModelException(
                file + ": " + Printable.cut(key) + " must be " + wanted + ", not " + printable(node) + ".");
    }

    public ModelException fault(String sentence) {
        return new ModelException(file + ": " + sentence);
    }

    public ModelException fault(String sentence, Throwable cause) {
        return new ModelException(file + ": " + sentence, cause);
    }

    /** A value for a sentence, as {@link Printable#cut} makes it; numbers that JSON does not have are as Python writes them. */
    public static String printable(JsonNode value) {
        if (value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue())) {
            return String.valueOf(value.doubleValue());
        }
        if (value.isTextual()) {
            String text = value.textValue();
            return text.length() <= Printable.VALUE
                    ? Printable.cut(value.toString())
                    : '"' + Printable.cut(text) + '"';
        }
        return Printable.cut(value.toString());
    }
}
