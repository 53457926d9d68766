package dev.lockstep.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/**
 * Looks in a {@code tokenizer.json} for what the Rust library takes and then dies of, with the whole process: found by
 * trying, and by reading where it panics (tokenizers 0.21 to 0.23). What it refuses by itself is left to it.
 */
final class TokenizerFile {
    private static final int LONGEST_PATTERN = 1000;
    private static final String ADDED = "added_tokens";
    private static final List<String> CHECKED = List.of("normalizer", "pre_tokenizer", "post_processor", "decoder",
            ADDED);
    /**
     * The library panics at what its own parser refuses within a decoder, which is every syntax error, NaN, and what is
     * nested deeper than 127.
     */
    private static final JsonMapper STRICT = JsonMapper.builder(JsonFactory.builder().streamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).maxNameLength(Integer.MAX_VALUE)
                    .maxNestingDepth(100).build())
            .build()).build();
    private static final ObjectReader PART = STRICT.reader();
    private static final int MOST_BITS = 1023;
    /** Far beyond any that is put into a text; one of 70,000 keeps the library busy for ten seconds and more. */
    private static final int LONGEST_TOKEN = 4096;
    private static final String HALF = "has half of a surrogate pair, which is not a character";

    private final Path file;

    private TokenizerFile(Path file) {
        this.file = file;
    }

    /**
     * @throws ModelException naming what would end the process
     */
    static void check(Path file, byte[] bytes) {
        Optional<String> mistaken = ModelFile.mistaken(Arrays.copyOf(bytes, Math.min(bytes.length, 512)));
        if (mistaken.isPresent()) {
            throw new ModelException(file + mistaken.get());
        }
        TokenizerFile tokenizer = new TokenizerFile(file);
        Map<String, JsonNode> parts = tokenizer.parts(bytes);
        CHECKED.forEach(part -> tokenizer.checkAll(part, parts.get(part)));
        tokenizer.checkMerges(parts.get("model"));
    }

    private Map<String, JsonNode> parts(byte[] bytes) {
        Map<String, JsonNode> parts = new TreeMap<>();
        try (JsonParser parser = STRICT.createParser(bytes)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return parts;
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("model")) {
                    parts.put(name, prefixAndMerges(parser));
                } else if (CHECKED.contains(name)) {
                    parts.put(name, PART.readTree(parser));
                } else {
                    parser.skipChildren();
                }
            }
        } catch (StreamConstraintsException e) {
            throw unreadable("it is nested too deep, or has a number that is too long", e);
        } catch (JsonProcessingException e) {
            throw unreadable("no valid JSON at line " + e.getLocation().getLineNr() + ", column "
                    + e.getLocation().getColumnNr(), e);
        } catch (IOException e) {
            throw unreadable(String.valueOf(e.getMessage()), e);
        }
        return parts;
    }

    /** Of the model, which is nearly all of the file: its prefix, and only where it has one its merges. */
    private static JsonNode prefixAndMerges(JsonParser parser) throws IOException {
        ObjectNode model = JsonFile.JSON.createObjectNode();
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return model;
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (value == JsonToken.VALUE_STRING) {
                model.put(name, parser.getText());
            } else if (name.equals("merges") && !model.path("continuing_subword_prefix").asText("").isEmpty()) {
                model.set(name, PART.readTree(parser));
            } else {
                parser.skipChildren();
            }
        }
        return model;
    }

    private ModelException unreadable(String why, IOException e) {
        return new ModelException(file + " is not a tokenizer that can be read: " + why + ".", e);
    }

    /** What one parser takes and the other does not. */
    private void checkValue(String part, JsonNode node) {
        require(!node.isFloatingPointNumber() || Double.isFinite(node.doubleValue()), part,
                "has a number out of range");
        require(!node.isBigInteger() || node.bigIntegerValue().bitLength() <= MOST_BITS, part,
                "has a number out of range");
        require(!node.isTextual() || isUnicode(node.textValue()), part, HALF);
        node.fieldNames().forEachRemaining(name -> require(isUnicode(name), part, HALF));
    }

    private static boolean isUnicode(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private void checkAll(String part, @Nullable JsonNode node) {
        if (node == null) {
            return;
        }
        checkValue(part, node);
        if (node.isObject()) {
            check(part, node);
        }
        node.forEach(child -> checkAll(part, child));
    }

    private void check(String part, JsonNode node) {
        if (part.equals(ADDED)) {
            int length = node.path("content").asText().length();
            require(length <= LONGEST_TOKEN, ADDED, "have one of " + length + " characters");
        }
        switch (part + " " + node.path("type").asText()) {
            case "normalizer Replace" -> checkReplace(node.path("pattern"));
            case "normalizer Prepend" -> require(!node.path("prepend").asText().isEmpty(), "normalizer Prepend",
                    "puts an empty text before each");
            case "normalizer Precompiled" -> require(
                    PrecompiledCharsMap.isWhole(node.path("precompiled_charsmap").asText()),
                    "normalizer Precompiled", "has a precompiled_charsmap that is damaged");
            case "pre_tokenizer FixedLength" -> require(node.path("length").asLong(5) != 0, "pre_tokenizer FixedLength",
                    "cuts texts into pieces of length 0");
            case "post_processor TemplateProcessing" -> checkTemplate(node);
            case "decoder Strip" -> require(node.path("stop").asLong() <= 1, "decoder Strip", "strips "
                    + node.path("stop").asLong() + " characters from the end, which shorter tokens do not have");
            default -> {
                // no other is known to panic
            }
        }
    }

    private void checkReplace(JsonNode pattern) {
        String regex = pattern.path("Regex").asText();
        boolean nothing = pattern.has("String") && pattern.path("String").asText().isEmpty()
                || pattern.has("Regex") && matchesNothing(regex);
        require(!nothing, "normalizer Replace", "replaces an empty text");
    }

    /** Whether it matches an empty text before a character; tried on texts so short that no pattern takes long. */
    private static boolean matchesNothing(String regex) {
        if (regex.length() > LONGEST_PATTERN) {
            return false;
        }
        try {
            Pattern pattern = Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS);
            for (char c = ' '; c <= '~'; c++) {
                Matcher matcher = pattern.matcher("a" + c + "A");
                while (matcher.find()) {
                    if (matcher.start() == matcher.end() && matcher.start() < 3) {
                        return true;
                    }
                }
            }
            return false;
        } catch (PatternSyntaxException | StackOverflowError e) {
            return false; // not Java's way to write it
        }
    }

    private void checkTemplate(JsonNode template) {
        for (JsonNode piece : template.path("single")) {
            String special = piece.path("SpecialToken").path("id").asText();
            require(!piece.has("SpecialToken") || template.path("special_tokens").has(special),
                    "post_processor TemplateProcessing",
                    "puts in " + Printable.cut(special) + ", which is not among its special_tokens");
            require(!piece.path("Sequence").path("id").asText().equals("B"), "post_processor TemplateProcessing",
                    "puts a second text into its template for a single one");
        }
    }

    /** A merge's second half loses the prefix. */
    private void checkMerges(@Nullable JsonNode model) {
        if (model == null) {
            return;
        }
        String prefix = model.path("continuing_subword_prefix").asText("");
        if (prefix.isEmpty() || !model.path("type").asText("BPE").equals("BPE")) {
            return;
        }
        for (JsonNode merge : model.path("merges")) {
            String second = merge.isArray() ? merge.path(1).asText() : merge.asText().replaceFirst("^.* ", "");
            require(second.startsWith(prefix), "model",
                    "has a merge of " + Printable.cut(second)
                            + ", which does not begin with its continuing_subword_prefix");
        }
    }

    private void require(boolean good, String part, String otherwise) {
        if (!good) {
            throw new ModelException(file + ": its " + part + " " + otherwise
                    + ", of which the tokenizers library dies or hangs; correct the file or take it from its origin.");
        }
    }
}
