package dev.lockstep.tokenizer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TokenizerTest {
    @AutoClose
    private static final Tokenizer tokenizer = Tokenizer.load(Golden.FOLDER);

    @TempDir
    private Path directory;

    static Stream<JsonNode> cases() {
        return StreamSupport.stream(Golden.json("tokenizer_cases.json").get("encode").spliterator(), false);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void encodeAndDecode_equalTransformers(JsonNode golden) {
        String text = golden.get("text").asText();
        int[] ids = ids(golden.get("ids"));
        int[] special = ids(golden.get("ids_special"));

        assertThat(tokenizer.encode(text, false)).isEqualTo(ids);
        assertThat(tokenizer.encode(text, true)).isEqualTo(special);
        String decoded = golden.get("decoded").asText();
        assertThat(tokenizer.decode(ids, false)).isEqualTo(decoded);
        assertThat(tokenizer.decode(special, false)).isEqualTo("<|begin_of_text|>" + decoded);
        assertThat(tokenizer.decode(special, true)).isEqualTo(decoded.replace("<|end_of_text|>", ""));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void bytes_ofAllTokens_areTheText(JsonNode golden) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : ids(golden.get("ids_special"))) {
            bytes.writeBytes(tokenizer.bytes(id));
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo("<|begin_of_text|>" + golden.get("decoded").asText());
        assertThat(tokenizer.bytes(999_999)).isEmpty();
    }

    /** In the way of Llama 2's and Mistral's tokenizers, and of Unigram models. */
    @Test
    void bytes_sentencePiece_areBlanksAndSingleBytes() throws IOException {
        for (String vocabulary : List.of("{\"<unk>\": 0, \"\u2581the\": 1, \"<0xE2>\": 2, \"é\": 3}",
                "[[\"<unk>\", 0], [\"\u2581the\", -1.5], [\"<0xE2>\", -2], [\"é\", -3]]")) {
            Path file = Files.writeString(directory.resolve("tokenizer.json"), "{\"model\": {\"vocab\": " + vocabulary
                    + "}, \"added_tokens\": [{\"id\": 5, \"content\": \"</s>\"}], \"decoder\": {\"type\": \"Sequence\", "
                    + "\"decoders\": [{\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}]}}");
            TokenBytes pieces = TokenBytes.read(file);
            assertThat(new String(pieces.of(1), StandardCharsets.UTF_8)).isEqualTo(" the");
            assertThat(pieces.of(2)).containsExactly(0xE2);
            assertThat(new String(pieces.of(3), StandardCharsets.UTF_8)).isEqualTo("é");
            assertThat(pieces.of(4)).isEmpty();
            assertThat(new String(pieces.of(5), StandardCharsets.UTF_8)).isEqualTo("</s>");
        }
    }

    @Test
    void encode_longerThanDjlsDefaultLimit_isNotCut() {
        int[] once = tokenizer.encode(" dead", false);
        int[] often = tokenizer.encode(" dead".repeat(3000), false);

        assertThat(often).hasSize(3000 * once.length);
    }

    @Test
    void encode_fromManyThreads_isTheSame() {
        List<String> texts = cases().map(golden -> golden.get("text").asText()).toList();
        List<int[]> alone = texts.stream().map(text -> tokenizer.encode(text, true)).toList();

        boolean same = IntStream.range(0, 2000).parallel().allMatch(
                i -> Arrays.equals(tokenizer.encode(texts.get(i % texts.size()), true), alone.get(i % texts.size())));

        assertThat(same).isTrue();
    }

    @Test
    void load_fileAbsent_namesIt() {
        assertThatThrownBy(() -> Tokenizer.load(directory)).isInstanceOf(ModelException.class).hasMessage(
                directory.resolve("tokenizer.json")
                        + " does not exist; it is the only form of tokenizer that is supported.");
    }

    @Test
    void load_fileBroken_namesIt() throws IOException {
        Path file = Files.writeString(directory.resolve("tokenizer.json"), "{\"model\":");

        assertThatThrownBy(() -> Tokenizer.load(directory)).isInstanceOf(ModelException.class)
                .hasMessageMatching("\\Q" + file + "\\E is not a tokenizer that can be read: [^\\n]+\\.");
    }

    private static int[] ids(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }
}
