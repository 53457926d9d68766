package dev.lockstep.checkpoint.lora;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** What is taken for an adapter, what is added where, and what there is to say of one that cannot be added. */
class AdapterTest {
    private static final Path GOLDEN = Golden.FOLDER.resolve("lora");
    private static final String MERGE = "merge the adapter into its model with PEFT (merge_and_unload, then"
            + " save_pretrained) and give that as the model.";
    private static final String Q = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    private static final String LAYER = "model.layers.0.self_attn.q_proj.weight";

    @TempDir
    private Path temp;

    private Path copy() {
        return Golden.copy(GOLDEN.resolve("llama-attention"), temp.resolve("copy"));
    }

    private static void set(Path adapter, String field, String json) throws IOException {
        Path file = adapter.resolve("adapter_config.json");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode config = (ObjectNode) mapper.readTree(file.toFile());
        config.set(field, mapper.readTree(json));
        mapper.writeValue(file.toFile(), config);
    }

    private static SafetensorsFile weights(Path adapter) throws IOException {
        return SafetensorsFile.read(adapter.resolve("adapter_model.safetensors"));
    }

    private static Checkpoint model(String name) {
        return Checkpoint.open(Golden.checkpoint(name));
    }

    private static double scaling(Checkpoint checkpoint, String layer) {
        return checkpoint.updates(layer + ".weight").get(0).scaling();
    }

    private static void assertRefused(ThrowingCallable opening, String sentence) {
        assertThatThrownBy(opening).isInstanceOf(ModelException.class).hasMessage(sentence);
    }

    /** The first pattern that fits counts, at a dot or for the whole name; others have r and lora_alpha. */
    @Test
    void onto_patterns_giveEachLayerItsScaling() {
        Checkpoint checkpoint = Adapter.open(GOLDEN.resolve("llama-all")).onto(model("llama-gqa"));
        assertThat(scaling(checkpoint, "model.layers.0.self_attn.q_proj")).isEqualTo(16 / Math.sqrt(8), within(1e-9));
        assertThat(scaling(checkpoint, "model.layers.0.self_attn.k_proj")).isEqualTo(16 / Math.sqrt(4), within(1e-9));
        assertThat(scaling(checkpoint, "model.layers.1.self_attn.k_proj")).isEqualTo(16 / Math.sqrt(2), within(1e-9));
        assertThat(scaling(checkpoint, "model.layers.1.mlp.up_proj")).isEqualTo(16 / Math.sqrt(3), within(1e-9));
        assertThat(scaling(checkpoint, "model.layers.0.mlp.down_proj")).isEqualTo(4 / Math.sqrt(8), within(1e-9));
        assertThat(scaling(checkpoint, "model.layers.1.mlp.down_proj")).isEqualTo(16 / Math.sqrt(8), within(1e-9));
        assertThat(scaling(checkpoint, "model.layers.1.self_attn.o_proj")).isEqualTo(7.5 / Math.sqrt(8), within(1e-9));
        assertThat(scaling(checkpoint, "lm_head")).isEqualTo(16 / Math.sqrt(8), within(1e-9));
        assertThat(Adapter.open(GOLDEN.resolve("llama-attention")).onto(model("llama-gqa")).updates(LAYER).get(0)
                .scaling()).isEqualTo(2);
    }

    @Test
    void onto_several_areAddedInTheirOrder() {
        Checkpoint plain = model("llama-gqa");
        Checkpoint checkpoint = Adapter.open(GOLDEN.resolve("llama-attention"))
                .onto(Adapter.open(GOLDEN.resolve("llama-all")).onto(plain));
        assertThat(checkpoint.updates(LAYER)).map(update -> update.a().file().getParent().getFileName().toString())
                .containsExactly("llama-all", "llama-attention");
        assertThat(checkpoint.updateDirectories()).containsExactly(GOLDEN.resolve("llama-all"),
                GOLDEN.resolve("llama-attention"));
        assertThat(checkpoint.updates("model.embed_tokens.weight")).isEmpty();
        assertThat(plain.updates(LAYER)).isEmpty();
    }

    @Test
    void onto_weightsStoredTheOtherWayRound_isRefusedWhereTheModelHasNone() throws IOException {
        Path copy = copy();
        set(copy, "fan_in_fan_out", "true");
        Adapter adapter = Adapter.open(copy);
        assertRefused(() -> adapter.onto(model("llama-gqa")), copy
                + "/adapter_config.json: fan_in_fan_out, for weights that"
                + " are stored the other way round, is not for llama, whose are not; set it to false if that is a mistake, or "
                + MERGE);
    }

    /** What PEFT writes beside, and what an adapter has that is merged already while it is trained, changes no sum. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"target_modules|\"all-linear\"", "modules_to_save|[]", "use_dora|false",
            "lora_bias|null", "layer_replication|[]", "trainable_token_indices|null", "init_lora_weights|\"eva\"",
            "init_lora_weights|\"gaussian\"", "eva_config|{\"rho\":2.0}", "fan_in_fan_out|null", "bias|\"none\"",
            "loftq_config|{}", "some_field_of_tomorrow|7", "base_model_name_or_path|5", "rank_pattern|null"})
    void open_fieldsWithoutEffectOnSums_areTaken(String field, String value) throws IOException {
        Path copy = copy();
        set(copy, field, value);
        assertThat(Adapter.open(copy).onto(model("llama-gqa")).updates(LAYER)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "peft_type|null|peft_type is missing; an adapter that PEFT saved has one, and supported is LORA.",
            "peft_type|\"IA3\"|peft_type IA3 is not supported, only LORA is; where PEFT can, $",
            "use_dora|true|use_dora, for magnitudes of weights (DoRA), is not supported; $",
            "lora_bias|true|lora_bias, for biases of the matrices, is not supported; $",
            "modules_to_save|[\"lm_head\"]|modules_to_save, for layers that were trained as a whole, is not supported; $",
            "layer_replication|[[0,2],[1,2]]|layer_replication, for layers that are there more than once, is not"
                    + " supported; $",
            "trainable_token_indices|[5]|trainable_token_indices, for embeddings of single tokens, is not supported; $",
            "target_parameters|[\"x\"]|target_parameters, for matrices of other parameters than linear layers' weights,"
                    + " is not supported; $",
            "use_qalora|true|use_qalora, for matrices of groups of columns, is not supported; $",
            "use_bdlora|{\"nblocks\":2}|use_bdlora, for matrices in blocks, is not supported; $",
            "kasa_config|{\"beta\":1}|kasa_config, for singular values beside the matrices, is not supported; $",
            "alora_invocation_tokens|[1,2]|alora_invocation_tokens, for an adapter that begins to work within the prompt,"
                    + " is not supported, and PEFT cannot merge such an adapter either; take one without them.",
            "bias|\"all\"|bias all, for biases that were trained, is not supported, only none is; $",
            "init_lora_weights|\"pissa_niter_4\"|init_lora_weights pissa_niter_4, for an adapter to a model whose weights"
                    + " were changed before it was trained, is not supported; $",
            "r|0|r must be an integer above 0, not 0.", "lora_alpha|\"16\"|lora_alpha must be a number, not \"16\".",
            "rank_pattern|{\"q_proj\":null}|rank_pattern: q_proj has no number.",
            "rank_pattern|{\"q_proj\":0}|q_proj must be an integer above 0, not 0.",
            "alpha_pattern|{\"(q_proj\":1}|alpha_pattern: (q_proj is no regular expression."})
    void open_moreThanSums_isRefused(String field, String value, String sentence) throws IOException {
        Path copy = copy();
        set(copy, field, value);
        assertRefused(() -> Adapter.open(copy), copy + "/adapter_config.json: " + sentence.replace("$", MERGE));
    }

    @Test
    void open_whatIsNoAdapter_saysWhatItIs() throws IOException {
        assertRefused(() -> Adapter.open(temp.resolve("no")),
                temp + "/no does not exist; an adapter is a directory with"
                        + " adapter_config.json and adapter_model.safetensors.");
        Path file = Files.writeString(temp.resolve("file"), "");
        assertRefused(() -> Adapter.open(file.toString()), file + " is not a directory; an adapter is a directory with"
                + " adapter_config.json and adapter_model.safetensors.");
        Path model = Golden.checkpoint("llama-gqa");
        assertRefused(() -> Adapter.open(model), model + " holds a model (config.json) and no adapter; give it as the"
                + " model.");
        assertRefused(() -> Adapter.open(temp),
                temp + " has no adapter_config.json; an adapter is a directory with that"
                        + " and adapter_model.safetensors, as PEFT saves it.");
        Path copy = copy();
        Files.delete(copy.resolve("adapter_model.safetensors"));
        assertRefused(() -> Adapter.open(copy),
                copy + " has no adapter_model.safetensors; download the adapter again, or"
                        + " copy it whole.");
        Files.writeString(copy.resolve("adapter_model.bin"), "PK");
        assertRefused(() -> Adapter.open(copy), copy + " has no adapter_model.safetensors, only adapter_model.bin; load"
                + " the adapter with PEFT and save it with save_pretrained, which writes safetensors.");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "base_model.model.model.embed_tokens.lora_embedding_A|changes the embedding, which is not supported; $",
            "base_model.model.model.embed_tokens.weight|is no matrix of a linear layer (lora_A or lora_B), and others are"
                    + " not supported; $",
            "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector|is no matrix of a linear layer (lora_A"
                    + " or lora_B), and others are not supported; $",
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight|is for the same layer as " + Q
                    + ".",
            "base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight|has no lora_B beside it.",
            "base_model.model.model.layers.0.self_attn.o_proj.lora_B.weight|has no lora_A beside it."})
    void open_tensorsThatCannotBeAdded_areNamed(String name, String sentence) throws IOException {
        Path copy = copy();
        SafetensorsFile weights = weights(copy);
        weights.append(name, "F32", 4, 32);
        weights.write();
        assertRefused(() -> Adapter.open(copy), copy + "/adapter_model.safetensors: tensor " + name + " "
                + sentence.replace("$", MERGE));
    }

    @Test
    void open_numbersOfAnotherType_areRefused() throws IOException {
        Path copy = copy();
        SafetensorsFile weights = weights(copy);
        weights.tensor(Q).put("dtype", "I32");
        weights.write();
        assertRefused(() -> Adapter.open(copy), copy + "/adapter_model.safetensors: tensor " + Q
                + " has dtype I32; supported are F32, BF16 and F16.");
    }

    @Test
    void open_noTensors_isRefused() throws IOException {
        Path copy = copy();
        Files.write(copy.resolve("adapter_model.safetensors"), new byte[]{2, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
        assertRefused(() -> Adapter.open(copy),
                copy + "/adapter_model.safetensors has no tensors; save the adapter again,"
                        + " after it was trained.");
    }

    /** Of layers that are fused in one family and not in the other, and of more layers than there are. */
    @ParameterizedTest
    @ValueSource(strings = {"phi3", "llama3-rope"})
    void onto_modelWithoutTheLayer_isRefused(String name) {
        Path adapter = GOLDEN.resolve(name.equals("phi3") ? "llama-attention" : "phi3-fused");
        Map<String, String> missing = Map.of("phi3", Q, "llama3-rope",
                "base_model.model.layers.0.mlp.gate_up_proj.lora_A.weight");
        assertRefused(() -> Adapter.open(adapter).onto(model(name)), adapter + "/adapter_model.safetensors: tensor "
                + missing.get(name) + " is for a linear layer that " + Golden.checkpoint(name)
                + " does not have; give the"
                + " model that the adapter was trained on (org/base, says adapter_config.json).");
    }

    @Test
    void onto_otherShapes_saysBoth() throws IOException {
        Path adapter = GOLDEN.resolve("int8");
        assertRefused(() -> Adapter.open(adapter).onto(model("llama-gqa")), adapter
                + "/adapter_model.safetensors: tensor"
                + " base_model.model.model.layers.0.mlp.down_proj.lora_A.weight has shape [8, 256], but with rank 8, as"
                + " adapter_config.json has it, and weights [32, 96] of the model it must be [8, 96]; give the model that"
                + " the adapter was trained on (org/base, says adapter_config.json).");
        Path copy = copy();
        set(copy, "r", "8");
        set(copy, "base_model_name_or_path", "null");
        assertRefused(() -> Adapter.open(copy).onto(model("llama-gqa")), copy + "/adapter_model.safetensors: tensor "
                + Q
                + " has shape [4, 32], but with rank 8, as adapter_config.json has it, and weights [32, 32] of the model it"
                + " must be [8, 32]; give the model that the adapter was trained on.");
        set(copy, "r", "4");
        SafetensorsFile weights = weights(copy);
        String b = Q.replace("lora_A", "lora_B");
        weights.tensor(b).putArray("shape").add(64).add(2);
        weights.write();
        assertRefused(() -> Adapter.open(copy).onto(model("llama-gqa")), copy + "/adapter_model.safetensors: tensor "
                + b
                + " has shape [64, 2], but with rank 4, as adapter_config.json has it, and weights [32, 32] of the model it"
                + " must be [32, 4]; give the model that the adapter was trained on.");
    }

    @Test
    void onto_outputThatIsTheEmbedding_isRefused() {
        Path adapter = GOLDEN.resolve("llama-all");
        assertRefused(() -> Adapter.open(adapter).onto(model("llama3-rope")), adapter
                + "/adapter_model.safetensors: tensor"
                + " base_model.model.lm_head.lora_A.default.weight changes lm_head, which in this model is the embedding"
                + " (tie_word_embeddings) and is not changed here; take an adapter without it.");
    }
}
