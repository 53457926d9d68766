package dev.lockstep.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.model.ModelConfig.Llama3Scaling;
import dev.lockstep.model.ModelConfig.Rope;

/** Reads {@code config.json} as the configuration classes of transformers do, or says what it cannot accept. */
final class ConfigReader {
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";

    /** The defaults in which the families' configuration classes differ; {@code kvHeads} 0 is as many as heads. */
    private enum Family {
        LLAMA("LlamaForCausalLM", 32000, 11008, 2048, 0), //
        MISTRAL("MistralForCausalLM", 32000, 14336, 131072, 8), //
        QWEN2("Qwen2ForCausalLM", 151936, 22016, 32768, 32), //
        QWEN3("Qwen3ForCausalLM", 151936, 22016, 32768, 32);

        private static final String NAMES = "llama, mistral, qwen2 and qwen3";

        private final String architecture;
        private final int vocabulary;
        private final int intermediate;
        private final int contextLength;
        private final int kvHeads;

        Family(String architecture, int vocabulary, int intermediate, int contextLength, int kvHeads) {
            this.architecture = architecture;
            this.vocabulary = vocabulary;
            this.intermediate = intermediate;
            this.contextLength = contextLength;
            this.kvHeads = kvHeads;
        }

        boolean isQwen() {
            return this == QWEN2 || this == QWEN3;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final JsonFile json;
    private final Family family;

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

    private static Family family(JsonFile json) {
        String type = json.text("model_type")
                .orElseThrow(() -> json.fault("model_type is missing; supported are " + Family.NAMES + "."));
        for (Family family : Family.values()) {
            if (family.toString().equals(type)) {
                return family;
            }
        }
        throw json.fault("model_type \"" + type + "\" is not supported; supported are " + Family.NAMES + ".");
    }

    private ModelConfig config() {
        checkArchitecture();
        int hidden = positive("hidden_size", 4096);
        int heads = positive("num_attention_heads", 32);
        int layers = positive("num_hidden_layers", 32);
        boolean attentionBias = family != Family.MISTRAL && family != Family.QWEN2
                && json.flag("attention_bias").orElse(false);
        int contextLength = positive("max_position_embeddings", family.contextLength);
        return new ModelConfig(family.toString(), layers, hidden, heads, kvHeads(heads), headDim(hidden, heads),
                positive("intermediate_size", family.intermediate), positive("vocab_size", family.vocabulary),
                contextLength, rmsNormEps(), json.flag("tie_word_embeddings").orElse(false),
                attentionBias || family == Family.QWEN2, attentionBias,
                family == Family.LLAMA && json.flag("mlp_bias").orElse(false), family == Family.QWEN3,
                slidingWindow(layers), rope(), dtype(), activation());
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
        if (given.isEmpty() && family != Family.QWEN3 && hidden % heads != 0) {
            throw json.fault("hidden_size " + hidden + " must be a multiple of num_attention_heads " + heads
                    + " where head_dim is not given.");
        }
        int headDim = given.orElse(family == Family.QWEN3 ? 128 : hidden / heads);
        if (headDim % 2 != 0) {
            throw json.fault("a head's width must be even for rotary embedding, not " + headDim + ".");
        }
        return headDim;
    }

    private double rmsNormEps() {
        double eps = json.number("rms_norm_eps").orElse(1e-6);
        if (eps < 0) {
            throw json.fault("rms_norm_eps must be 0 or more, not " + eps + ".");
        }
        return eps;
    }

    private DType dtype() {
        String key = json.value("dtype").isPresent() ? "dtype" : "torch_dtype";
        try {
            return DType.parse(json.text(key).orElse("float32"));
        } catch (IllegalArgumentException e) {
            throw new ModelException(json.fault(key + " " + e.getMessage() + ".").getMessage(), e);
        }
    }

    private String activation() {
        String activation = json.text("hidden_act").orElse("silu");
        if (!Set.of("silu", "swish").contains(activation)) {
            throw json.fault("hidden_act \"" + activation + "\" is not supported; supported is silu.");
        }
        return "silu";
    }

    /** The window of all layers. One that only some layers have would need two kinds of attention, so it is refused. */
    private int slidingWindow(int layers) {
        if (family == Family.LLAMA || family.isQwen() && !json.flag("use_sliding_window").orElse(false)) {
            return 0;
        }
        int window = json.has("sliding_window") ? positive("sliding_window", 0) : 4096;
        Set<String> kinds = new TreeSet<>(layerTypes(layers));
        if (!Set.of(FULL, SLIDING).containsAll(kinds)) {
            throw json.fault("layer_types " + kinds + " are not supported; supported are [" + FULL + ", " + SLIDING
                    + "].");
        }
        if (window > 0 && kinds.size() > 1) {
            throw json.fault("a sliding window on only some of the layers is not supported;"
                    + " supported is one on all layers or on none.");
        }
        return kinds.contains(SLIDING) ? window : 0;
    }

    private List<String> layerTypes(int layers) {
        List<String> types = new ArrayList<>();
        Optional<JsonNode> given = json.value("layer_types");
        if (given.isPresent()) {
            given.get().forEach(type -> types.add(type.asText()));
            if (types.size() != layers) {
                throw json.fault("layer_types must have one entry for each of the " + layers + " layers, not "
                        + types.size() + ".");
            }
            return types;
        }
        int firstSliding = family.isQwen() ? json.integer("max_window_layers").orElse(28) : 0;
        for (int layer = 0; layer < layers; layer++) {
            types.add(layer < firstSliding ? FULL : SLIDING);
        }
        return types;
    }

    private Rope rope() {
        // transformers 5 writes rope_parameters, and where a file has both it takes the older rope_scaling
        JsonFile given = json.object("rope_scaling").or(() -> json.object("rope_parameters"))
                .orElseGet(() -> json.with(JsonFile.JSON.createObjectNode()));
        given.object().properties().forEach(entry -> {
            if (entry.getValue().isObject()) {
                throw json.fault("rope_parameters by kind of layer (" + entry.getKey() + ") are not supported.");
            }
        });
        double theta = given.number("rope_theta").or(() -> json.number("rope_theta")).orElse(10000.0);
        if (theta <= 0) {
            throw json.fault("rope_theta must be above 0, not " + theta + ".");
        }
        double rotated = given.number("partial_rotary_factor").or(() -> json.number("partial_rotary_factor"))
                .orElse(1.0);
        if (rotated != 1) {
            throw json.fault("partial_rotary_factor " + rotated + " is not supported; supported is 1.");
        }
        String type = given.text("rope_type").or(() -> given.text("type")).orElse("default");
        return switch (type) {
            case "default" -> new Rope(theta, 1, null);
            case "linear" -> new Rope(theta, factor(given, "factor"), null);
            case "llama3" -> new Rope(theta, 1, llama3(given));
            default -> throw json.fault(
                    "rope type \"" + type + "\" is not supported; supported are default, linear and llama3.");
        };
    }

    private Llama3Scaling llama3(JsonFile given) {
        double low = factor(given, "low_freq_factor");
        double high = factor(given, "high_freq_factor");
        if (low >= high) {
            throw json.fault("low_freq_factor " + low + " must be below high_freq_factor " + high + ".");
        }
        String key = "original_max_position_embeddings";
        int original = given.positive(key).orElseThrow(() -> json.fault(key + " is missing."));
        return new Llama3Scaling(factor(given, "factor"), low, high, original);
    }

    private double factor(JsonFile given, String key) {
        double factor = given.number(key).orElseThrow(() -> json.fault(key + " of the rope scaling is missing."));
        if (factor <= 0) {
            throw json.fault(key + " of the rope scaling must be above 0, not " + factor + ".");
        }
        return factor;
    }
}
