package dev.lockstep.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.JsonFile;
import dev.lockstep.checkpoint.ModelException;

/**
 * The bytes that each token of a {@code tokenizer.json} stands for. A token may be a part of a character, so its bytes say
 * more than its text.
 */
final class TokenBytes {
    private static final int BYTES = 256;

    // by id, which may be any number
    private final Map<Integer, byte[]> pieces = new HashMap<>();

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
