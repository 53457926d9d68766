package dev.lockstep.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;

/**
 * The bytes that each token of a {@code tokenizer.json} stands for. A token may be a part of a character, so its bytes say
 * more than its text.
 */
final class TokenBytes {
    private static final int BYTES = 256;

    // by id, which may be any number
    private final Map<Integer, byte[]> pieces = new HashMap<>();

    // tokens that decode to just their bytes, none of them added ones
    private final Set<Integer> exact = new HashSet<>();

    // those by bytes as Latin-1, once somebody asks
    private @Nullable Map<String, List<Integer>> spellings;

    private TokenBytes() {}

    /**
     * @throws ModelException when the file cannot be read
     */
    static TokenBytes read(Path file) {
        TokenBytes pieces = new TokenBytes();
        JsonNode tokenizer = JsonFile.readLast(file, Tokenizer.LARGEST).object();
        String decoder = tokenizer.path("decoder").toString();
        int[] bytes = decoder.contains("\"ByteLevel\"") ? bytesOfCharacters() : null;
        JsonNode vocabulary = tokenizer.path("model").path("vocab");
        if (vocabulary.isArray()) {
            for (int id = 0; id < vocabulary.size(); id++) {
                pieces.pieces.put(id, piece(vocabulary.get(id).path(0).asText(), bytes));
            }
        } else {
            vocabulary.properties()
                    .forEach(token -> pieces.pieces.put(token.getValue().asInt(), piece(token.getKey(), bytes)));
        }
        if (bytes != null && tokenizer.path("decoder").path("type").asText().equals("ByteLevel")) {
            // what stands for no byte has come to a question mark, which is not what it decodes to
            vocabulary.properties().stream()
                    .filter(token -> token.getKey().chars().allMatch(c -> c == '?' || bytes[c] != '?'))
                    .forEach(token -> pieces.exact.add(token.getValue().asInt()));
            tokenizer.path("added_tokens").forEach(added -> pieces.exact.remove(added.path("id").asInt()));
        }
        for (JsonNode added : tokenizer.path("added_tokens")) {
            pieces.pieces.put(added.path("id").asInt(),
                    added.path("content").asText().getBytes(StandardCharsets.UTF_8));
        }
        return pieces;
    }

    /** No bytes for a token that the file does not have. */
    byte[] of(int id) {
        return pieces.getOrDefault(id, new byte[0]);
    }

    /** Whether texts are what the bytes of their tokens make, one after the other, and nothing else. */
    boolean isExact() {
        return !exact.isEmpty();
    }

    /** Whether a token decodes to just its bytes, and is none of the added ones. */
    boolean isExact(int id) {
        return exact.contains(id);
    }

    /** @param bytes as Latin-1 */
    synchronized List<Integer> spelling(String bytes) {
        if (spellings == null) {
            spellings = exact.stream()
                    .collect(Collectors.groupingBy(id -> new String(of(id), StandardCharsets.ISO_8859_1)));
        }
        return spellings.getOrDefault(bytes, List.of());
    }

    /** @param bytes of each character, where the vocabulary is of bytes; else null, and it is SentencePiece's */
    private static byte[] piece(String token, int @Nullable [] bytes) {
        if (bytes == null) {
            return token.matches("<0x[0-9A-Fa-f]{2}>")
                    ? new byte[]{(byte) Integer.parseInt(token.substring(3, 5), 16)}
                    : token.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream piece = new ByteArrayOutputStream();
        for (int i = 0; i < token.length(); i++) {
            piece.write(bytes[token.charAt(i)]);
        }
        return piece.toByteArray();
    }

    /**
     * GPT-2's way to write bytes as characters (Radford et al. 2019): those that print in Latin-1 stand for themselves, the
     * others in order for the characters from 256 on.
     *
     * @return the byte of each character; what stands for none is a question mark
     */
    private static int[] bytesOfCharacters() {
        int[] bytes = new int[Character.MAX_VALUE + 1];
        Arrays.fill(bytes, '?');
        int next = BYTES;
        for (int b = 0; b < BYTES; b++) {
            boolean prints = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
            bytes[prints ? b : next++] = b;
        }
        return bytes;
    }
}
