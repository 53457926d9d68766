package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.Rope;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ModelConfigTest {
    private static final Norms NORMS = Norms.before(1e-6);

    @TempDir
    private Path directory;

    static List<String> checkpoints() {
        return Golden.CHECKPOINTS;
    }

    /** Two layers of a golden checkpoint. */
    private static ModelConfig golden(String family, int kvHeads, int headDim, boolean tied, boolean inputBias,
            boolean otherBiases, Norms norms, int window, Rope rope) {
        return new ModelConfig(family, 32, 4, kvHeads, headDim, 96, 4096, 512, tied, inputBias, otherBiases,
                otherBiases, false, norms, Attention.alike(2, headDim, window, rope), 1, 0, Activation.SILU,
                DType.FLOAT32);
    }

    private static Rope plain(int width) {
        return new Rope(10000, width);
    }

    @Test
    void read_llamaWithBiases_hasThemEverywhere() {
        assertThat(Families.read(Golden.checkpoint("llama-mha-bias")))
                .isEqualTo(golden("llama", 4, 8, false, true, true, NORMS, 0, plain(8)));
    }

    @Test
    void read_llama3Rope_hasTheScaling() {
        assertThat(Families.read(Golden.checkpoint("llama3-rope"))).isEqualTo(golden("llama", 1, 8, true, false,
                false, NORMS, 0, new Rope(500000, 8, new Rope.Llama3(8, 1, 4, 32))));
    }

    @Test
    void read_mistral_hasTheWindowAndWideHeads() {
        assertThat(Families.read(Golden.checkpoint("mistral-sliding")))
                .isEqualTo(golden("mistral", 2, 16, false, false, false, NORMS, 16, plain(16)));
    }

    @Test
    void read_qwen2_hasInputBiasesOnly() {
        assertThat(Families.read(Golden.checkpoint("qwen2")))
                .isEqualTo(golden("qwen2", 2, 8, true, true, false, NORMS, 0, plain(8)));
    }

    @Test
    void read_qwen3_hasQueryAndKeyNorms() {
        assertThat(Families.read(Golden.checkpoint("qwen3"))).isEqualTo(
                golden("qwen3", 2, 16, true, false, false, NORMS.with(QkNorm.EACH_HEAD), 0, plain(16)));
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void read_formOfTransformers4_equalsFormOf5(String checkpoint) throws IOException {
        ObjectNode json = (ObjectNode) Golden.json(checkpoint + "/config.json");
        json.put("torch_dtype", json.remove("dtype").asText());
        ObjectNode rope = (ObjectNode) json.remove("rope_parameters");
        if (rope.has("full_attention")) {
            json.set("rope_local_base_freq", rope.get("sliding_attention").get("rope_theta"));
            json.set("sliding_window_pattern", json.remove("_sliding_window_pattern"));
            rope = (ObjectNode) rope.get("full_attention");
        }
        json.set("rope_theta", rope.remove("rope_theta"));
        if (rope.has("partial_rotary_factor")) {
            json.set("partial_rotary_factor", rope.remove("partial_rotary_factor"));
        }
        json.remove("layer_types");
        if (rope.get("rope_type").asText().equals("default")) {
            json.putNull("rope_scaling");
        } else {
            json.set("rope_scaling", rope);
        }

        assertThat(config(json.toString())).isEqualTo(Families.read(Golden.checkpoint(checkpoint)));
    }

    @Test
    void read_phi3_isFusedAndTurnsPartOfAHead() {
        ModelConfig config = Families.read(Golden.checkpoint("phi3-partial"));

        assertThat(config.stored().fusedQueries()).isTrue();
        assertThat(rope(config)).isEqualTo(plain(12));
        assertThat(config.headDim()).isEqualTo(16);
        assertThat(config.norms()).isEqualTo(Norms.before(1e-5));
    }

    @Test
    void read_smollm3_doesNotTurnEveryFourthLayer() throws IOException {
        List<Layer> layers = Families.read(Golden.checkpoint("smollm3")).attention().layers();

        assertThat(layers).extracting(Layer::rope).containsExactly(new Rope(2e6, 8),
                new Rope(2e6, 8), new Rope(2e6, 8), null);
        assertThat(layers).extracting(Layer::window).containsOnly(0);
        String fields = "{\"model_type\":\"smollm3\",\"num_hidden_layers\":6";
        assertThat(config(fields + ",\"no_rope_layer_interval\":3,\"use_sliding_window\":true,\"sliding_window\":64}")
                .attention().layers()).extracting(layer -> layer.rope() == null ? layer.window() : -1)
                        .containsExactly(-1, -1, 64, -1, -1, 64);
        assertThat(config(fields + ",\"no_rope_layers\":[0,1,1,1,1,0]}").attention().layers())
                .extracting(layer -> layer.rope() == null).containsExactly(true, false, false, false, false, true);
    }

    @Test
    void read_olmo2_normsWhatComesOut() {
        assertThat(Families.read(Golden.checkpoint("olmo2")).norms())
                .isEqualTo(new Norms(1e-5, false, true, QkNorm.ALL_HEADS, true, false));
    }

    @Test
    void read_gemma2_capsAndAlternates() {
        ModelConfig config = Families.read(Golden.checkpoint("gemma2"));

        assertThat(config.norms()).isEqualTo(new Norms(1e-6, true, true, QkNorm.NONE, true, true));
        assertThat(config.attention().softcap()).isEqualTo(5);
        assertThat(config.attention().scale()).isEqualTo(1 / Math.sqrt(20));
        assertThat(config.attention().layers()).extracting(Layer::window).containsExactly(8, 0, 8, 0);
        assertThat(config.finalSoftcap()).isEqualTo(3);
        assertThat(config.embeddingScale()).isEqualTo(Math.sqrt(32));
        assertThat(config.activation()).isEqualTo(Activation.GELU_TANH);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"''|50|30",
            "'attn_logit_softcapping':null,'final_logit_softcapping':null|0|0",
            "'attn_logit_softcapping':20,'final_logit_softcapping':7.5|20|7.5"})
    void read_gemma2Softcaps_haveDefaultsAndNull(String fields, double attention, double last) throws IOException {
        ModelConfig config = config(
                ("{'model_type':'gemma2'" + (fields.length() > 2 ? "," + fields : "") + "}").replace('\'', '"'));

        assertThat(config.attention().softcap()).isEqualTo(attention);
        assertThat(config.finalSoftcap()).isEqualTo(last);
    }

    /** Linear scaling, which the larger models have, is of the layers without a window only. */
    @Test
    void read_gemma3_hasARotationForEachKindOfLayer() throws IOException {
        ModelConfig golden = Families.read(Golden.checkpoint("gemma3"));
        Layer sliding = new Layer(8, plain(16));
        assertThat(golden.attention().layers()).containsExactly(sliding, sliding, sliding, sliding, sliding,
                new Layer(0, new Rope(1e6, 16)));
        assertThat(golden.norms()).isEqualTo(new Norms(1e-6, true, true, QkNorm.EACH_HEAD, true, true));
        String older = "\"sliding_window_pattern\":2,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8}";
        String newer = "\"_sliding_window_pattern\":2,\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\","
                + "\"factor\":8,\"rope_theta\":1e6},\"sliding_attention\":{\"rope_type\":\"default\"}}";
        for (String fields : List.of(older, newer)) {
            assertThat(config("{\"model_type\":\"gemma3_text\",\"num_hidden_layers\":2," + fields + "}").attention()
                    .layers())
                            .containsExactly(new Layer(4096, plain(256)),
                                    new Layer(0, new Rope(1e6, 256, new Rope.Linear(8, false))));
        }
    }

    // the field defaults of the other configuration classes in transformers 5
    @ParameterizedTest
    @CsvSource({"phi3, 32, 3072, 32, 32, 96, 8192, 32064, 4096, false, 0",
            "smollm3, 36, 2048, 16, 4, 128, 11008, 128256, 32768, true, 0",
            "olmo2, 32, 4096, 32, 32, 128, 11008, 50304, 2048, false, 0",
            "gemma2, 26, 2304, 8, 4, 256, 9216, 256000, 8192, true, 4096",
            "gemma3_text, 26, 2304, 8, 4, 256, 9216, 262208, 131072, true, 4096"})
    void read_keysAbsent_areTheOtherFamiliesDefaults(String family, int layers, int hidden, int heads, int kvHeads,
            int headDim, int intermediate, int vocabulary, int contextLength, boolean tied, int window)
            throws IOException {
        ModelConfig config = config("{\"model_type\":\"" + family + "\"}");

        assertThat(List.of(config.layers(), config.hidden(), config.heads(), config.kvHeads(), config.headDim(),
                config.intermediate(), config.vocabulary(), config.contextLength(), config.tiedEmbeddings(),
                config.attention().layers().get(0).window())).containsExactly(layers, hidden, heads, kvHeads, headDim,
                        intermediate, vocabulary, contextLength, tied, window);
    }

    // the field defaults of LlamaConfig, MistralConfig, Qwen2Config and Qwen3Config in transformers 5
    @ParameterizedTest
    @CsvSource({"llama, 32, 128, 11008, 32000, 2048, 0", "mistral, 8, 128, 14336, 32000, 131072, 4096",
            "qwen2, 32, 128, 22016, 151936, 32768, 0", "qwen3, 32, 128, 22016, 151936, 32768, 0"})
    void read_keysAbsent_areTheFamilysDefaults(String family, int kvHeads, int headDim, int intermediate,
            int vocabulary, int contextLength, int window) throws IOException {
        Norms norms = NORMS.with(family.equals("qwen3") ? QkNorm.EACH_HEAD : QkNorm.NONE);
        assertThat(config("{\"model_type\":\"" + family + "\"}")).isEqualTo(new ModelConfig(family, 4096, 32, kvHeads,
                headDim, intermediate, vocabulary, contextLength, false, family.equals("qwen2"), false, false, false,
                norms, Attention.alike(32, headDim, window, plain(headDim)), 1, 0, Activation.SILU, DType.FLOAT32));
    }

    @Test
    void read_headDimAbsent_dependsOnTheFamily() throws IOException {
        String sizes = "\"hidden_size\":1024,\"num_attention_heads\":16,\"num_key_value_heads\":8}";

        assertThat(config("{\"model_type\":\"llama\"," + sizes).headDim()).isEqualTo(64);
        assertThat(config("{\"model_type\":\"qwen3\"," + sizes).headDim()).isEqualTo(128);
    }

    @Test
    void read_kvHeadsNull_isAsManyAsHeads() throws IOException {
        assertThat(config("{\"model_type\":\"mistral\",\"num_key_value_heads\":null}").kvHeads()).isEqualTo(32);
    }

    @Test
    void read_qwen3WithAttentionBias_hasItOnAllFourProjections() throws IOException {
        ModelConfig config = config("{\"model_type\":\"qwen3\",\"attention_bias\":true}");

        assertThat(config.attentionBias()).isTrue();
        assertThat(config.outputBias()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}|4|10000",
            "\"rope_theta\":5e5,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":2.5}|2.5|500000",
            "\"rope_parameters\":{\"rope_type\":\"linear\",\"rope_theta\":7,\"factor\":2}|2|7"})
    void read_linearScaling_dividesEachFrequency(String fields, double factor, double theta) throws IOException {
        ModelConfig config = config("{\"model_type\":\"llama\"," + fields + "}");

        assertThat(rope(config)).isEqualTo(new Rope(theta, 128, new Rope.Linear(factor, true)));
        assertThat(rope(config).inverseFrequencies()[0]).isEqualTo(1 / factor);
        assertThat(rope(config).inverseFrequencies()[32]).isCloseTo(1 / Math.sqrt(theta) / factor, within(1e-15));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":100}|400|2147483647",
            "\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"original_max_position_embeddings\":100}|300|2147483647",
            "\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.5}|750|2147483647",
            "\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":3}|900|300",
            "\"rope_theta\":7|300|2147483647"})
    void contextLength_stretched_isWhatRowsMayReach(String fields, int context, int prompt) throws IOException {
        ModelConfig config = config("{\"model_type\":\"llama\",\"max_position_embeddings\":300," + fields + "}");
        assertThat(config.contextLength()).isEqualTo(context);
        assertThat(config.longestPrompt()).isEqualTo(prompt);
    }

    @Test
    void inverseFrequencies_default_arePowersOfTheta() {
        assertThat(rope(Families.read(Golden.checkpoint("llama-mha-bias"))).inverseFrequencies())
                .containsExactly(new double[]{1, 0.1, 0.01, 0.001}, within(1e-15));
    }

    /** The values come from Meta's apply_scaling run in Python with the shapes of Llama 3.1. */
    @ParameterizedTest
    @CsvSource({"0, 1.0", "1, 0.8146172338565447", "28, 0.0032114459947525913", "29, 0.002166570763503359",
            "30, 0.0013718935677611381", "31, 0.0008567514129196321", "32, 0.0005248461609929547",
            "34, 0.00017850781276799638", "35, 9.556212353964683e-05", "36, 7.78465527393245e-05",
            "63, 3.068925988914511e-07"})
    void inverseFrequencies_llama3_areMetas(int pair, double angle) throws IOException {
        ModelConfig config = config("""
                {"model_type": "llama", "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}""");
        double[] frequencies = rope(config).inverseFrequencies();

        assertThat(frequencies).hasSize(64);
        assertThat(frequencies[pair]).isCloseTo(angle, within(angle * 1e-12));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "{}|model_type is missing; supported are " + FamiliesTest.NAMES + ".",
            "{'model_type':'llama','architectures':['LlamaForSequenceClassification']}|architecture "
                    + "\"LlamaForSequenceClassification\" is not supported; for model_type llama it is "
                    + "\"LlamaForCausalLM\".",
            "{'model_type':'llama','rope_scaling':{'type':'ntk','factor':4}}|rope type \"ntk\" is not supported; "
                    + "supported are default, linear, llama3, yarn, longrope and dynamic.",
            "{'model_type':'llama','rope_scaling':{'type':'dynamic'}}|factor of the rope scaling is missing.",
            "{'model_type':'llama','rope_parameters':{'rope_type':'longrope'}}|short_factor of the rope scaling is "
                    + "missing.",
            "{'model_type':'llama','rope_parameters':{'rope_type':'longrope','short_factor':[1,'a']}}|short_factor of "
                    + "the rope scaling must have numbers above 0 only, not \"a\".",
            "{'model_type':'llama','rope_parameters':{'rope_type':'longrope','short_factor':[1,0.5]}}|short_factor of "
                    + "the rope scaling must have 64 numbers, one for each pair of dimensions that turn, not 2.",
            "{'model_type':'llama','rope_scaling':{'type':'linear'}}|factor of the rope scaling is missing.",
            "{'model_type':'llama','rope_scaling':{'type':'linear','factor':0}}|factor of the rope scaling must be "
                    + "above 0, not 0.0.",
            "{'model_type':'llama','rope_scaling':{'rope_type':'llama3','factor':8,'low_freq_factor':1,"
                    + "'high_freq_factor':4}}|original_max_position_embeddings is missing.",
            "{'model_type':'llama','rope_scaling':{'rope_type':'llama3','factor':8,'low_freq_factor':4,"
                    + "'high_freq_factor':4,'original_max_position_embeddings':8}}|low_freq_factor 4.0 must be below "
                    + "high_freq_factor 4.0.",
            "{'model_type':'qwen3','rope_parameters':{'full_attention':{'rope_theta':1}}}|rope_parameters by kind of "
                    + "layer (full_attention) are not supported.",
            "{'model_type':'qwen2','partial_rotary_factor':0.5}|partial_rotary_factor 0.5 is not supported; supported "
                    + "is 1.",
            "{'model_type':'phi3','partial_rotary_factor':1.5}|partial_rotary_factor 1.5 of a head's width of 96 must "
                    + "be an even number of dimensions.",
            "{'model_type':'phi3','partial_rotary_factor':0.6}|partial_rotary_factor 0.6 of a head's width of 96 must "
                    + "be an even number of dimensions.",
            "{'model_type':'phi3','rope_scaling':{'type':'su','long_factor':[1]}}|short_factor of the rope scaling is "
                    + "missing.",
            "{'model_type':'gemma2','attn_logit_softcapping':0}|attn_logit_softcapping must be above 0, not 0.0.",
            "{'model_type':'gemma3_text','attn_logit_softcapping':50}|attn_logit_softcapping 50.0 is not supported "
                    + "for gemma3_text.",
            "{'model_type':'gemma3_text','use_bidirectional_attention':true}|use_bidirectional_attention is not "
                    + "supported; a decoder's tokens see earlier ones only.",
            "{'model_type':'smollm3','num_hidden_layers':3,'no_rope_layers':[1,0]}|no_rope_layers must have an entry "
                    + "for each of the layers, not [1,0].",
            "{'model_type':'gemma2','hidden_activation':'relu'}|hidden_activation \"relu\" is not supported; supported "
                    + "are silu and gelu_pytorch_tanh.",
            "{'model_type':'llama','rope_theta':-1}|rope_theta must be above 0, not -1.0.",
            "{'model_type':'llama','hidden_act':'gelu'}|hidden_act \"gelu\" is not supported; supported are silu and gelu_pytorch_tanh.",
            "{'model_type':'llama','torch_dtype':'float64'}|torch_dtype \"float64\" is not a supported dtype; "
                    + "supported are float32, bfloat16 and float16.",
            "{'model_type':'qwen2','use_sliding_window':true,'layer_types':['full_attention']}|layer_types must have "
                    + "one entry for each of the 32 layers, not 1.",
            "{'model_type':'qwen3','num_hidden_layers':1,'layer_types':['chunked_attention']}|layer_types "
                    + "[chunked_attention] are not supported; supported are [full_attention, sliding_attention].",
            "{'model_type':'llama','hidden_size':0}|hidden_size must be an integer above 0, not 0.",
            "{'model_type':'llama','num_hidden_layers':'two'}|num_hidden_layers must be an integer, not \"two\".",
            "{'model_type':'llama','vocab_size':1.5}|vocab_size must be an integer, not 1.5.",
            "{'model_type':'llama','tie_word_embeddings':1}|tie_word_embeddings must be true or false, not 1.",
            "{'model_type':'llama','rms_norm_eps':'1e-6'}|rms_norm_eps must be a number, not \"1e-6\".",
            "{'model_type':'llama','num_key_value_heads':5}|num_attention_heads 32 must be a multiple of "
                    + "num_key_value_heads 5.",
            "{'model_type':'llama','hidden_size':100}|hidden_size 100 must be a multiple of num_attention_heads 32 "
                    + "where head_dim is not given.",
            "{'model_type':'llama','head_dim':7}|a head's width must be even for rotary embedding, not 7.",
            "{'model_type':'qwen2','num_hidden_layers':1,'layer_types':['sliding_attention']}|layer_types has layers with "
                    + "sliding_attention, but sliding_window is null or use_sliding_window false; say how wide the window "
                    + "is.",
            "{'model_type':'smollm3','num_hidden_layers':1,'layer_types':['sliding_attention']}|layer_types has layers "
                    + "with sliding_attention, but sliding_window is null or use_sliding_window false; say how wide the "
                    + "window is.",
            "{'model_type':'gemma3_text','sliding_window':null}|layer_types has layers with sliding_attention, but "
                    + "sliding_window is null or use_sliding_window false; say how wide the window is.",
            "{'model_type':'qwen3','layer_types':'full_attention'}|layer_types must be a list, not \"full_attention\".",
            "{'model_type':'llama','num_hidden_layers':1000000000}|num_hidden_layers must be at most 10000, not "
                    + "1000000000.",
            "{'model_type':'llama','vocab_size':2147483647}|vocab_size must be at most 67108864, not 2147483647.",
            "{'model_type':'llama','hidden_size':2147483616}|hidden_size must be at most 67108864, not 2147483616.",
            "{'model_type':'llama','intermediate_size':2147483647}|intermediate_size must be at most 67108864, not "
                    + "2147483647.",
            "{'model_type':'llama','num_attention_heads':65536,'head_dim':65536}|num_attention_heads 65536 of 65536 "
                    + "dimensions each are more than 67108864.",
            "{'model_type':'llama','rms_norm_eps':NaN}|rms_norm_eps must be a number, not NaN.",
            "{'model_type':'llama','rope_theta':-Infinity}|rope_theta must be a number, not -Infinity.",
            "{'model_type':'llama','hidden_size':Infinity}|hidden_size must be an integer, not Infinity.",
            "{'model_type':'\\u001b[2J\\u202ellama'}|model_type \"\\u001b[2J\\u202ellama\" is not supported; supported are "
                    + FamiliesTest.NAMES + "."})
    void read_unsupported_isOneSentenceWithTheFile(String json, String sentence) {
        assertThatThrownBy(() -> config(json.replace('\'', '"'))).isInstanceOf(ModelException.class)
                .hasMessage(directory.resolve("config.json") + ": " + sentence);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[1]", "{\"a\":1,\"a\":2}", "{} {}"})
    void read_notAJsonObject_saysSo(String json) {
        assertThatThrownBy(() -> config(json)).isInstanceOf(ModelException.class)
                .hasMessageMatching("\\Q" + directory.resolve("config.json")
                        + "\\E (is not valid JSON at line 1, column \\d+: [^\\n]+|must hold a JSON object)\\.");
    }

    /** The one of all layers. */
    private static Rope rope(ModelConfig config) {
        assertThat(config.attention().layers()).extracting(Layer::rope).containsOnly(
                config.attention().layers().get(0).rope());
        return config.attention().layers().get(0).rope();
    }

    private ModelConfig config(String json) throws IOException {
        Files.writeString(directory.resolve("config.json"), json);
        return Families.read(directory);
    }
}
