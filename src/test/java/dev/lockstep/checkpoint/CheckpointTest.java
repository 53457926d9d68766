package dev.lockstep.checkpoint;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.RandomCheckpoint;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class CheckpointTest {
    @TempDir
    private Path directory;

    static List<String> checkpoints() {
        return Golden.CHECKPOINTS;
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void open_golden_hasExactlyTheExpectedTensors(String name) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(name));

        assertThat(checkpoint.directory()).isEqualTo(Golden.checkpoint(name));
        assertThat(checkpoint.tensors().keySet()).containsExactlyElementsOf(
                Checkpoint.expected(checkpoint.config()).stream().map(ExpectedTensor::name).toList());
        assertThat(checkpoint.tensors().values())
                .allSatisfy(tensor -> assertThat(tensor.type().computed()).isEqualTo(checkpoint.config().dtype()));
        assertThat(checkpoint.generationDefaults().eosTokenIds()).containsExactly(1);
    }

    // what Python read from the files: tensors, bytes of weights
    @ParameterizedTest
    @CsvSource({"llama-gqa, 21, 1147520", "llama-gqa-bfloat16, 21, 573760", "llama-mha-bias, 35, 1158528",
            "qwen3, 24, 648064"})
    void open_golden_countsItsWeights(String name, int tensors, long bytes) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(name));

        assertThat(checkpoint.tensors()).hasSize(tensors);
        assertThat(checkpoint.bytes()).isEqualTo(bytes);
    }

    @Test
    void open_exampleModel_hasItsDefaults() {
        Checkpoint checkpoint = Checkpoint.open(Golden.FOLDER.resolve("../../../../examples/models/kjv-6m"));

        assertThat(checkpoint.config().contextLength()).isEqualTo(1024);
        assertThat(checkpoint.generationDefaults().eosTokenIds()).containsExactly(1);
        assertThat(checkpoint.generationDefaults().without(List.of()).fields())
                .hasToString("{\"max_new_tokens\":100,\"eos_token_id\":1,\"do_sample\":true,\"temperature\":0.8,"
                        + "\"top_p\":0.95}");
    }

    // the first and the last eight bytes of each tensor as Python read them
    @ParameterizedTest
    @CsvSource({"llama-gqa, model.embed_tokens.weight, 159e1c3ec89efc3d, dadd3cbeae40803d",
            "llama-gqa, model.layers.0.mlp.down_proj.weight, f1993c3cf04d893d, d988f73c2a7c513e",
            "llama-gqa, model.norm.weight, 8d8a673f8b42663f, 1845833fc424833f",
            "llama-gqa-float16, model.layers.1.self_attn.k_proj.weight, 61a1a9b13baa14a6, fcae85af159f7534",
            "llama-gqa-bfloat16, model.embed_tokens.weight, 7a3e203e093e973d, 72bc2d3d363e19be",
            "llama-gqa-bfloat16, model.layers.1.self_attn.k_proj.weight, 333d28bda43d2f3b, ca3d1e3eed3a203c",
            "llama-gqa-bfloat16, model.norm.weight, 8a3f7e3f863f693f, 7c3f853f963f973f"})
    void tensor_range_isWhereItsDataLies(String name, String tensor, String first, String last) throws IOException {
        byte[] data = data(Checkpoint.open(Golden.checkpoint(name)).tensor(tensor)).array();

        assertThat(HexFormat.of().formatHex(data, 0, 8)).isEqualTo(first);
        assertThat(HexFormat.of().formatHex(data, data.length - 8, data.length)).isEqualTo(last);
    }

    @Test
    void tensor_unknown_isTheCallersMistake() {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("qwen2"));

        assertThatIllegalArgumentException().isThrownBy(() -> checkpoint.tensor("lm_head.weight"))
                .withMessage("this model has no tensor lm_head.weight");
    }

    /** transformers ties only what is not there, or is the same. */
    @Test
    void open_tiedWithOutputProjectionOfItsOwn_usesIt() throws IOException {
        Path copy = Golden.copy("llama3-rope", directory);
        SafetensorsFile file = SafetensorsFile.read(copy.resolve("model.safetensors"));
        file.append("lm_head.weight", "F32", 4096, 32);
        file.write();

        Checkpoint checkpoint = Checkpoint.open(copy);

        assertThat(checkpoint.config().tiedEmbeddings()).isFalse();
        assertThat(data(checkpoint.tensor("lm_head.weight")).array()).containsOnly(0);
        assertThat(checkpoint.tensors())
                .hasSize(Checkpoint.open(Golden.checkpoint("llama3-rope")).tensors().size() + 1);
    }

    @Test
    void open_tiedWithOutputProjectionAlone_isTheEmbeddingToo() throws IOException {
        Path copy = Golden.copy("llama3-rope", directory);
        SafetensorsFile file = SafetensorsFile.read(copy.resolve("model.safetensors"));
        file.rename("model.embed_tokens.weight", "model.lm_head.weight");
        file.write();

        Checkpoint checkpoint = Checkpoint.open(copy);

        assertThat(checkpoint.config().tiedEmbeddings()).isTrue();
        assertThat(data(checkpoint.tensor("model.embed_tokens.weight")))
                .isEqualTo(data(Checkpoint.open(Golden.checkpoint("llama3-rope")).tensor("model.embed_tokens.weight")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "qwen2", "gemma3"})
    void open_namesWithoutOrWithTwicePrefix_areTheSameTensors(String name) throws IOException {
        Path copy = Golden.copy(name, directory);
        for (boolean more : new boolean[]{false, true}) {
            SafetensorsFile file = SafetensorsFile.read(Golden.checkpoint(name).resolve("model.safetensors"));
            for (String tensor : Checkpoint.open(Golden.checkpoint(name)).tensors().keySet()) {
                file.rename(tensor, more ? "model." + tensor : tensor.replaceFirst("^model\\.", ""));
            }
            file.writeTo(copy.resolve("model.safetensors"));

            Checkpoint renamed = Checkpoint.open(copy);

            assertThat(renamed.unused()).isEmpty();
            Checkpoint.open(Golden.checkpoint(name)).tensors()
                    .forEach((tensor, ref) -> assertThat(renamed.tensor(tensor))
                            .satisfies(other -> assertThat(data(other)).isEqualTo(data(ref))));
        }
    }

    /** Heads of other uses, scales of activations, tables, layers that are for training only, biases of nobody. */
    @Test
    void open_tensorsWithoutAPlace_areLeftOutAndNamed() throws IOException {
        Path copy = Golden.copy("llama-gqa", directory);
        SafetensorsFile file = SafetensorsFile.read(copy.resolve("model.safetensors"));
        List<String> more = List.of("v_head.summary.weight", "v_head.summary.bias",
                "model.layers.0.self_attn.k_proj.input_scale", "model.layers.0.self_attn.rotary_emb.inv_freq",
                "model.layers.2.self_attn.q_proj.weight", "model.layers.0.self_attn.q_proj.bias", "norm.weight");
        more.forEach(name -> file.append(name, "F64", 4));
        file.append("another", "F4", 6);
        file.write();

        Checkpoint checkpoint = Checkpoint.open(copy);

        assertThat(checkpoint.tensors().keySet())
                .isEqualTo(Checkpoint.open(Golden.checkpoint("llama-gqa")).tensors().keySet());
        assertThat(checkpoint.unused()).contains(copy.resolve("model.safetensors")
                + ": 8 tensors that this model does not use are left out: another, "
                + "model.layers.0.self_attn.k_proj.input_scale, model.layers.0.self_attn.q_proj.bias, "
                + "model.layers.0.self_attn.rotary_emb.inv_freq, model.layers.2.self_attn.q_proj.weight, ...");
    }

    @Test
    void open_mixedDtypes_keepsEach() throws IOException {
        ModelConfig config = Families.read(Golden.checkpoint("qwen2"));
        RandomCheckpoint.write(directory, config.withDtype(DType.BFLOAT16), new RandomCheckpoint.Layout(0, 2, false));
        Path float16 = directory.resolve("float16");
        RandomCheckpoint.write(float16, config.withDtype(DType.FLOAT16), new RandomCheckpoint.Layout(0, 2, false));
        String shard = "model-00002-of-00002.safetensors";
        Files.delete(directory.resolve(shard));
        Files.copy(float16.resolve(shard), directory.resolve(shard));

        Checkpoint checkpoint = Checkpoint.open(directory);

        assertThat(checkpoint.tensor("model.embed_tokens.weight").type()).isEqualTo(StoredType.BF16);
        assertThat(checkpoint.tensor("model.layers.0.input_layernorm.weight").type()).isEqualTo(StoredType.F16);
    }

    @Test
    void open_configWithoutDtype_takesTheWeights() throws IOException {
        Path copy = Golden.copy("llama-gqa-bfloat16", directory);
        ObjectNode json = (ObjectNode) Golden.json("llama-gqa-bfloat16/config.json");
        json.remove("dtype");
        Files.writeString(copy.resolve("config.json"), json.toString());

        assertThat(Checkpoint.open(copy).config().dtype()).isEqualTo(DType.BFLOAT16);
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void open_randomCheckpoint_hasTheConfigItWasWrittenFrom(String name) throws IOException {
        ModelConfig config = Families.read(Golden.checkpoint(name));
        RandomCheckpoint.write(directory, config, RandomCheckpoint.Layout.PLAIN);

        assertThat(Checkpoint.open(directory).config()).isEqualTo(config);
    }

    @ParameterizedTest
    @EnumSource
    void open_randomCheckpoint_hasTheSameWeightsHoweverItIsLaidOut(DType dtype) throws IOException {
        ModelConfig config = Families.read(Golden.checkpoint("mistral-sliding")).withDtype(dtype);
        RandomCheckpoint.write(directory.resolve("plain"), config, new RandomCheckpoint.Layout(7, 1, false));
        RandomCheckpoint.write(directory.resolve("odd"), config, new RandomCheckpoint.Layout(7, 3, true));
        Checkpoint plain = Checkpoint.open(directory.resolve("plain"));
        Checkpoint odd = Checkpoint.open(directory.resolve("odd"));

        assertThat(odd.tensors().values()).allSatisfy(tensor -> assertThat(tensor.offset()).isOdd())
                .allSatisfy(tensor -> assertThat(data(tensor)).isEqualTo(data(plain.tensor(tensor.name()))));
        assertThat(plain.tensors().values()).allSatisfy(tensor -> assertThat(tensor.offset() % 8).isZero());
    }

    private static ByteBuffer data(TensorRef tensor) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "r")) {
            byte[] bytes = new byte[(int) tensor.bytes()];
            file.seek(tensor.offset());
            file.readFully(bytes);
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
