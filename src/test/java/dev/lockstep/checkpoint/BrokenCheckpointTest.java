package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** Golden checkpoints, each with one thing broken: opening must say in one sentence what and where. */
class BrokenCheckpointTest {
    private static final String NORM = "model.norm.weight";
    private static final String QUERIES = "model.layers.1.self_attn.q_proj.weight";
    private static final String SINGLE = "llama-gqa";
    private static final String SHARDED = "llama-gqa-bfloat16";
    private static final String WEIGHTS = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final String SHARD_1 = "model-00001-of-00003.safetensors";
    private static final String SHARD_2 = "model-00002-of-00003.safetensors";

    @TempDir
    private Path parent;

    /** What is done to a copy of a golden checkpoint. */
    private interface Damage {
        void to(Path directory) throws IOException;
    }

    static Stream<Arguments> damages() {
        return Stream.concat(Stream.concat(files(), headers()), Stream.concat(tensors(), shards()));
    }

    private static Stream<Arguments> files() {
        return Stream.of(
                broken("config.json missing", SINGLE, directory -> Files.delete(directory.resolve("config.json")),
                        "/config.json does not exist."),
                broken("config.json cut off", SINGLE,
                        directory -> Files.writeString(directory.resolve("config.json"), "{\"model_type\": \"lla"),
                        "/config.json is not valid JSON at line 1, column 20: Unexpected end-of-input in VALUE_STRING."),
                broken("unknown model", SINGLE,
                        directory -> Files.writeString(directory.resolve("config.json"), "{\"model_type\":\"bert\"}"),
                        "/config.json: model_type \"bert\" is not supported; supported are " + FamiliesTest.NAMES
                                + "."),
                broken("two objects", SINGLE,
                        directory -> Files.writeString(directory.resolve("generation_config.json"), "{} {}"),
                        "/generation_config.json is not valid JSON at line 1, column 4: Trailing token."),
                broken("no weights", SINGLE, directory -> Files.delete(directory.resolve(WEIGHTS)),
                        " has neither model.safetensors nor model.safetensors.index.json; weights in any other format"
                                + " must be converted to safetensors."),
                broken("weights empty", SINGLE, directory -> truncate(directory.resolve(WEIGHTS), 0),
                        "/model.safetensors is truncated: it has 0 bytes, fewer than the 8 that a safetensors file"
                                + " begins with."));
    }

    private static Stream<Arguments> headers() {
        return Stream.of(
                broken("cut off in the header", SINGLE, directory -> truncate(directory.resolve(WEIGHTS), 1000),
                        "/model.safetensors is truncated: its header ends at byte 2184 but the file has 1000 bytes."),
                broken("half a file", SINGLE, directory -> truncate(directory.resolve(WEIGHTS), 600_000),
                        "/model.safetensors: tensor model.embed_tokens.weight ends at byte 1050760 but the file has"
                                + " 600000 bytes: it is truncated."),
                broken("one byte short", SINGLE, directory -> truncate(directory.resolve(WEIGHTS), 1_149_703),
                        "/model.safetensors: tensor model.norm.weight ends at byte 1149704 but the file has 1149703"
                                + " bytes: it is truncated."),
                broken("trailing bytes", SINGLE,
                        directory -> Files.write(directory.resolve(WEIGHTS), new byte[]{0}, StandardOpenOption.APPEND),
                        "/model.safetensors has 1149705 bytes, but its tensors end at byte 1149704."),
                broken("header longer than any", SINGLE,
                        directory -> headerLength(directory.resolve(WEIGHTS), 100_000_001L),
                        "/model.safetensors is not a safetensors file: its header would have 100000001 bytes."),
                broken("another kind of file", SINGLE, directory -> headerLength(directory.resolve(WEIGHTS), -1),
                        "/model.safetensors is not a safetensors file: its header would have 18446744073709551615"
                                + " bytes."),
                broken("header not JSON", SINGLE,
                        directory -> SafetensorsFile.read(directory.resolve(WEIGHTS)).write("{\"model.norm.weight\": "),
                        "/model.safetensors's header is not valid JSON at line 1, column 23: Unexpected end-of-input within/between Object"
                                + " entries."),
                broken("header not an object", SINGLE,
                        directory -> SafetensorsFile.read(directory.resolve(WEIGHTS)).write("[]"),
                        "/model.safetensors's header must hold a JSON object."),
                header("header of brackets", "[".repeat(90_000_000), "'s header must hold a JSON object."),
                header("tensor of brackets", "{\"a\":" + "[".repeat(5_000_000), ": tensor a is not described by an"
                        + " object."),
                header("shape of brackets", "{\"a\":{\"shape\":" + "[".repeat(5000),
                        ": tensor a has shape that are no list of at most 64 integers."),
                header("shape without an end", "{\"a\":{\"shape\":[" + "1,".repeat(5000),
                        ": tensor a has shape that are no list of at most 64 integers."),
                header("metadata of brackets", "{\"__metadata__\":" + "[".repeat(5000),
                        "'s header is not JSON that can be read: it is nested more than 1,000 deep."),
                header("too many tensors", "{" + IntStream.range(0, 250_001)
                        .mapToObj(i -> "\"" + i + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}")
                        .collect(Collectors.joining(",")), "'s header names more than 250000 tensors."),
                header("text after the header", "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}} 1",
                        "'s header goes on after its JSON object."),
                header("escapes in a name", "{\"\\u001b[31m" + "y".repeat(1000) + "\":{}}", ": tensor \\u001b[31m"
                        + "y".repeat(107) + "... has no dtype that is known ()."),
                broken("tensor twice in a header", SINGLE,
                        directory -> SafetensorsFile.read(directory.resolve(WEIGHTS))
                                .write("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{}}"),
                        "/model.safetensors's header is not valid JSON at line 1, column 57: Duplicate field 'a'."));
    }

    private static Stream<Arguments> tensors() {
        return Stream.of(
                edited("tensor missing", file -> file.rename(QUERIES, "model.layers.9.self_attn.q_proj.weight"),
                        "tensor model.layers.1.self_attn.q_proj.weight is missing."),
                edited("shape transposed", file -> shape(file, "model.layers.0.mlp.up_proj.weight", 32, 96),
                        "tensor model.layers.0.mlp.up_proj.weight has shape [32, 96], but config.json calls for"
                                + " [96, 32]."),
                edited("shape of another rank", file -> shape(file, NORM, 1, 32),
                        "tensor model.norm.weight has shape [1, 32], but config.json calls for [32]."),
                edited("shape larger than the data", file -> shape(file, NORM, 64),
                        "tensor model.norm.weight of shape [64] and dtype F32 needs 256 bytes, but its data_offsets"
                                + " [1147392, 1147520] hold 128."),
                edited("shape beyond all bounds", file -> shape(file, NORM, Integer.MAX_VALUE, Integer.MAX_VALUE, 4),
                        "tensor model.norm.weight has shape [2147483647, 2147483647, 4], which is too large."),
                edited("dtype of integers", file -> {
                    file.rename(NORM, "rotary_emb.inv_freq");
                    file.append(NORM, "I64", 32);
                }, "tensor model.norm.weight has dtype I64; supported are F32, BF16 and F16."),
                edited("dtype unknown", file -> file.tensor(NORM).put("dtype", "Q4_K"),
                        "tensor model.norm.weight has no dtype that is known (\"Q4_K\")."),
                edited("dtype missing", file -> file.tensor(NORM).remove("dtype"),
                        "tensor model.norm.weight has no dtype that is known ()."),
                edited("shape missing", file -> file.tensor(NORM).remove("shape"),
                        "tensor model.norm.weight has no shape."),
                edited("shape negative", file -> shape(file, NORM, -32),
                        "tensor model.norm.weight has shape [-32], which must be a list of integers from 0."),
                edited("offsets backwards", file -> offsets(file, NORM, 1147520, 1147392),
                        "tensor model.norm.weight has data_offsets [1147520, 1147392], which are not a range."),
                edited("offsets missing", file -> file.tensor(NORM).remove("data_offsets"),
                        "tensor model.norm.weight has no data_offsets."),
                edited("offsets overlapping", file -> offsets(file, NORM, 1147391, 1147519),
                        "tensor model.norm.weight overlaps tensor " + QUERIES.replace("q_proj", "v_proj") + "."),
                edited("hole between tensors", file -> {
                    file.append("first", "F32", 4);
                    file.append("second", "F32", 4);
                    file.remove("first");
                }, "tensor second begins at byte 1149787, leaving a hole after byte 1149771."));
    }

    private static Stream<Arguments> shards() {
        return Stream.of(
                broken("shard missing", SHARDED, directory -> Files.delete(directory.resolve(SHARD_2)),
                        "/" + SHARD_2 + " does not exist, though model.safetensors.index.json names it."),
                broken("shard cut off", SHARDED, directory -> truncate(directory.resolve(SHARD_2), 4096),
                        "/" + SHARD_2 + ": tensor lm_head.weight ends at byte 262264 but the file has 4096 bytes: it is"
                                + " truncated."),
                broken("tensor in two shards", SHARDED, directory -> {
                    SafetensorsFile file = SafetensorsFile.read(directory.resolve(SHARD_1));
                    file.append("lm_head.weight", "F16", 4096, 32);
                    file.write();
                }, "/" + SHARD_2 + ": tensor lm_head.weight is in " + SHARD_1 + " as well."),
                indexed("tensor not in the shard the index says", map -> map.put("lm_head.weight", SHARD_1),
                        "/" + SHARD_1 + ": tensor lm_head.weight is not in this file, though " + INDEX + " says so."),
                indexed("tensor in no shard", map -> map.put("lm_head.bias", SHARD_2),
                        "/" + SHARD_2 + ": tensor lm_head.bias is not in this file, though " + INDEX + " says so."),
                indexed("shard not in the index", map -> map.remove("lm_head.weight"),
                        "/" + INDEX + ": tensor lm_head.weight is missing."),
                indexed("shard outside", map -> map.put("lm_head.weight", "../" + SHARD_2),
                        "/" + INDEX + ": weight_map of tensor lm_head.weight must be the name of a file in the same"
                                + " directory, not \"../model-00002-of-00003.safetensors\"."),
                indexed("shard not a name", map -> map.put("lm_head.weight", ""),
                        "/" + INDEX + ": weight_map of tensor lm_head.weight must be the name of a file in the same"
                                + " directory, not \"\"."),
                broken("index without a map", SHARDED,
                        directory -> Files.writeString(directory.resolve(INDEX), "{\"metadata\":{}}"),
                        "/" + INDEX + ": weight_map is missing."),
                broken("index not JSON", SHARDED, directory -> Files.writeString(directory.resolve(INDEX), "{]"),
                        "/" + INDEX
                                + " is not valid JSON at line 1, column 2: Unexpected close marker ']': expected '}'."));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void open_broken_saysWhatAndWhere(String name, String golden, Damage damage, String sentence) throws IOException {
        Path directory = Golden.copy(golden, parent);
        Checkpoint.open(directory);
        damage.to(directory);

        assertThatThrownBy(() -> Checkpoint.open(directory)).isInstanceOf(ModelException.class)
                .hasMessage(directory + sentence).hasMessageMatching(SentencesTest.ONE_SENTENCE);
    }

    @Test
    void open_directoryMissing_saysSo() {
        Path directory = parent.resolve("no-such-model");

        assertThatThrownBy(() -> Checkpoint.open(directory)).isInstanceOf(ModelException.class).hasMessage(directory
                + " does not exist; a checkpoint is a directory with config.json, tokenizer.json and *.safetensors.");
    }

    @Test
    void open_file_saysSo() throws IOException {
        Path file = Files.writeString(parent.resolve("model.gguf"), "");

        assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(ModelException.class).hasMessage(file
                + " is not a directory; a checkpoint is a directory with config.json, tokenizer.json and"
                + " *.safetensors.");
    }

    private static Arguments broken(String name, String golden, Damage damage, String sentence) {
        return arguments(name, golden, damage, sentence);
    }

    private static Arguments header(String name, String header, String sentence) {
        return broken(name, SINGLE, directory -> SafetensorsFile.read(directory.resolve(WEIGHTS)).write(header),
                "/" + WEIGHTS + sentence);
    }

    private static Arguments edited(String name, Consumer<SafetensorsFile> edit, String sentence) {
        return broken(name, SINGLE, directory -> {
            SafetensorsFile file = SafetensorsFile.read(directory.resolve(WEIGHTS));
            edit.accept(file);
            file.write();
        }, "/" + WEIGHTS + ": " + sentence);
    }

    private static Arguments indexed(String name, Consumer<ObjectNode> edit, String sentence) {
        return broken(name, SHARDED, directory -> {
            ObjectNode index = (ObjectNode) Golden.json(SHARDED + "/" + INDEX);
            edit.accept((ObjectNode) index.get("weight_map"));
            Files.writeString(directory.resolve(INDEX), index.toString());
        }, sentence);
    }

    private static void shape(SafetensorsFile file, String tensor, int... sizes) {
        file.tensor(tensor).set("shape", new ObjectMapper().valueToTree(sizes));
    }

    private static void offsets(SafetensorsFile file, String tensor, int begin, int end) {
        file.tensor(tensor).putArray("data_offsets").add(begin).add(end);
    }

    private static void truncate(Path file, long bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(bytes);
        }
    }

    private static void headerLength(Path file, long bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes).flip());
        }
    }
}
