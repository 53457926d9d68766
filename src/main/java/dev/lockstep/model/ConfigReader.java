package dev.lockstep.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Rope;

/** Reads {@code config.json} as the configuration classes of transformers do, or says what it cannot accept. */
final class ConfigReader {
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";

    private final JsonFile json;
    private final ModelFamily family;

    private ConfigReader(JsonFile json) {
        this.json = json;
        this.family = family(json);
    }

    static ModelConfig read(Path directory) {
        return new ConfigReader(JsonFile.read(directory.resolve("config.json"))).config();
    }

    /** Whether the configuration leaves the type of the weights to the weights. */
    static boolean namesDtype(Path directory) {
        JsonFile json = JsonFile.read(directory.resolve("config.json"));
        return json.value("dtype").or(() -> json.value("torch_dtype")).isPresent();
    }

    private static ModelFamily family(JsonFile json) {
        String type = json.text("model_type")
                .orElseThrow(() -> json.fault("model_type is missing; supported are " + ModelFamily.names() + "."));
        return ModelFamily.of(type).orElseThrow(() -> json
                .fault("model_type \"" + type + "\" is not supported; supported are " + ModelFamily.names() + "."));
    }

    private ModelConfig config() {
        checkArchitecture();
        int hidden = positive("hidden_size", family.hidden);
        int heads = positive("num_attention_heads", family.heads);
        int headDim = headDim(hidden, heads);
        boolean attentionBias = (family == ModelFamily.LLAMA || family == ModelFamily.QWEN3)
                && json.flag("attention_bias").orElse(false);
        return new ModelConfig(family.toString(), hidden, heads, kvHeads(heads), headDim,
                positive("intermediate_size", family.intermediate), positive("vocab_size", family.vocabulary),
                positive("max_position_embeddings", family.contextLength),
                json.flag("tie_word_embeddings").orElse(false), attentionBias || family == ModelFamily.QWEN2,
                attentionBias, family == ModelFamily.LLAMA && json.flag("mlp_bias").orElse(false),
                family == ModelFamily.PHI3, norms(),
                attention(headDim), 1, 0, activation(), dtype());
    }

    private void checkArchitecture() {
        for (JsonNode name : json.value("architectures").orElse(JsonFile.JSON.createArrayNode())) {
            if (!name.asText().equals(family.architecture)) {
                throw json.fault("architecture " + name + " is not supported; for model_type " + family + " it is \""
                        + family.architecture + "\".");
            }
        }
        if (json.value("quantization_config").isPresent()) {
            throw json.fault("quantized weights (quantization_config) are not supported;"
                    + " supported are float32, bfloat16 and float16.");
        }
    }

    private int positive(String key, int absent) {
        return json.positive(key).orElse(absent);
    }

    private int kvHeads(int heads) {
        boolean asManyAsHeads = family.kvHeads == 0 || json.has("num_key_value_heads");
        int kvHeads = positive("num_key_value_heads", asManyAsHeads ? heads : family.kvHeads);
        if (heads % kvHeads != 0) {
            throw json.fault("num_attention_heads " + heads + " must be a multiple of num_key_value_heads " + kvHeads
                    + ".");
        }
        return kvHeads;
    }

    private int headDim(int hidden, int heads) {
        Optional<Integer> given = json.positive("head_dim");
        if (given.isEmpty() && family.headDim == 0 && hidden % heads != 0) {
            throw json.fault("hidden_size " + hidden + " must be a multiple of num_attention_heads " + heads
                    + " where head_dim is not given.");
        }
        int headDim = given.orElse(family.headDim == 0 ? hidden / heads : family.headDim);
        if (headDim % 2 != 0) {
            throw json.fault("a head's width must be even for rotary embedding, not " + headDim + ".");
        }
        return headDim;
    }

    private Norms norms() {
        double eps = json.number("rms_norm_eps").orElse(family.rmsNormEps);
        if (eps < 0) {
            throw json.fault("rms_norm_eps must be 0 or more, not " + eps + ".");
        }
        return Norms.before(eps).with(family == ModelFamily.QWEN3 ? QkNorm.EACH_HEAD : QkNorm.NONE);
    }

    private DType dtype() {
        String key = json.value("dtype").isPresent() ? "dtype" : "torch_dtype";
        try {
            return DType.parse(json.text(key).orElse("float32"));
        } catch (IllegalArgumentException e) {
            throw new ModelException(json.fault(key + " " + e.getMessage() + ".").getMessage(), e);
        }
    }

    private Activation activation() {
        String activation = json.text("hidden_act").orElse("silu");
        if (!Set.of("silu", "swish").contains(activation)) {
            throw json.fault("hidden_act \"" + activation + "\" is not supported; supported is silu.");
        }
        return Activation.SILU;
    }

    private Attention attention(int headDim) {
        int window = slidingWindow();
        Rope rope = new RopeReader(json, family, headDim).rope();
        List<Layer> layers = new ArrayList<>();
        for (String type : layerTypes()) {
            layers.add(new Layer(type.equals(SLIDING) ? window : 0, rope));
        }
        return new Attention(1 / Math.sqrt(headDim), 0, layers);
    }

    /** The window of those layers that have one, 0 for none. */
    private int slidingWindow() {
        if (family == ModelFamily.LLAMA || family.isQwen() && !json.flag("use_sliding_window").orElse(false)) {
            return 0;
        }
        return json.has("sliding_window") ? positive("sliding_window", 0) : family.slidingWindow;
    }

    private List<String> layerTypes() {
        int layers = positive("num_hidden_layers", family.layers);
        List<String> types = new ArrayList<>();
        json.value("layer_types").ifPresent(given -> given.forEach(type -> types.add(type.asText())));
        if (types.isEmpty()) {
            int firstSliding = family.isQwen() ? json.integer("max_window_layers").orElse(28) : 0;
            for (int layer = 0; layer < layers; layer++) {
                types.add(layer < firstSliding ? FULL : SLIDING);
            }
        }
        if (types.size() != layers) {
            throw json.fault("layer_types must have one entry for each of the " + layers + " layers, not "
                    + types.size() + ".");
        }
        if (!Set.of(FULL, SLIDING).containsAll(types)) {
            throw json.fault("layer_types " + new TreeSet<>(types) + " are not supported; supported are [" + FULL
                    + ", " + SLIDING + "].");
        }
        return types;
    }
}
