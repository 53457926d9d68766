package dev.lockstep.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.checkpoint.ModelConfig.Activation;
import dev.lockstep.checkpoint.ModelConfig.Attention;
import dev.lockstep.checkpoint.ModelConfig.Layer;
import dev.lockstep.checkpoint.ModelConfig.Norms;
import dev.lockstep.checkpoint.ModelConfig.QkNorm;
import dev.lockstep.host.Printable;

/** Reads {@code config.json} as the configuration classes of transformers do, or says what it cannot accept. */
final class ConfigReader {
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";

    /** Ten times as many as the deepest models have. */
    private static final int MOST_LAYERS = 10_000;
    private static final int LARGEST_SIZE = 1 << 26;

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
                .fault("model_type \"" + Printable.cut(type) + "\" is not supported"
                        + ModelFamily.nearest(type).map(near -> " (nearest by name: " + near + ")").orElse("")
                        + "; supported are " + ModelFamily.names() + "."));
    }

    private ModelConfig config() {
        checkArchitecture();
        int hidden = size("hidden_size", family.hidden);
        int heads = size("num_attention_heads", family.heads);
        int headDim = headDim(hidden, heads);
        boolean attentionBias = !Set.of(ModelFamily.MISTRAL, ModelFamily.QWEN2, ModelFamily.PHI3).contains(family)
                && json.flag("attention_bias").orElse(false);
        boolean mlpBias = Set.of(ModelFamily.LLAMA, ModelFamily.SMOLLM3).contains(family)
                && json.flag("mlp_bias").orElse(false);
        RopeReader reader = new RopeReader(json, family, headDim);
        Rope full = family == ModelFamily.GEMMA3_TEXT ? reader.ofKind(FULL) : reader.rope();
        return new ModelConfig(family.toString(), hidden, heads, kvHeads(heads), headDim,
                size("intermediate_size", family.intermediate), size("vocab_size", family.vocabulary),
                // positions that rows may have: where they are stretched, often more than the file says
                full.scaling().reach(reader.positions()),
                json.flag("tie_word_embeddings").orElse(family.isGemma() || family == ModelFamily.SMOLLM3),
                attentionBias || family == ModelFamily.QWEN2, attentionBias, mlpBias, family == ModelFamily.PHI3,
                norms(), attention(headDim, reader, full), family.isGemma() ? Math.sqrt(hidden) : 1,
                family.isGemma() ? softcap("final_logit_softcapping", 30) : 0, activation(), dtype());
    }

    private void checkArchitecture() {
        for (JsonNode name : json.value("architectures").orElse(JsonFile.JSON.createArrayNode())) {
            // the base model, saved without its head, has the same weights
            if (!name.asText().equals(family.architecture) && !name.asText().equals(family.baseArchitecture())) {
                throw json.fault(
                        "architecture " + JsonFile.printable(name) + " is not supported; for model_type " + family
                                + " it is \""
                                + family.architecture + "\".");
            }
        }
    }

    /** Gemma 2's has a default; 0 is none. */
    private double softcap(String key, double gemma2) {
        boolean absent = family == ModelFamily.GEMMA2 && !json.has(key);
        Optional<Double> given = json.number(key);
        if (given.isPresent() && given.get() <= 0) {
            throw json.fault(key + " must be above 0, not " + given.get() + ".");
        }
        return given.orElse(absent ? gemma2 : 0.0);
    }

    private int positive(String key, int absent) {
        return json.positive(key).orElse(absent);
    }

    /** A number that is multiplied with others: beyond any model, but products of two fit into 64 bits. */
    private int size(String key, int absent) {
        return limited(key, positive(key, absent), LARGEST_SIZE);
    }

    private int limited(String key, int value, int most) {
        if (value > most) {
            throw json.fault(key + " must be at most " + most + ", not " + value + ".");
        }
        return value;
    }

    private int kvHeads(int heads) {
        boolean asManyAsHeads = family.kvHeads == 0 || json.has("num_key_value_heads");
        int kvHeads = size("num_key_value_heads", asManyAsHeads ? heads : family.kvHeads);
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
        if ((long) limited("head_dim", headDim, LARGEST_SIZE) * heads > LARGEST_SIZE) {
            throw json.fault("num_attention_heads " + heads + " of " + headDim + " dimensions each are more than "
                    + LARGEST_SIZE + ".");
        }
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
        return switch (family) {
            case OLMO2 -> new Norms(eps, false, true, QkNorm.ALL_HEADS, true, false);
            case GEMMA2 -> new Norms(eps, true, true, QkNorm.NONE, true, true);
            case GEMMA3_TEXT -> new Norms(eps, true, true, QkNorm.EACH_HEAD, true, true);
            case QWEN3 -> Norms.before(eps).with(QkNorm.EACH_HEAD);
            default -> Norms.before(eps);
        };
    }

    private DType dtype() {
        String key = json.value("dtype").isPresent() ? "dtype" : "torch_dtype";
        try {
            return DType.parse(json.text(key).orElse("float32"));
        } catch (IllegalArgumentException e) {
            throw json.fault(key + " " + e.getMessage() + ".", e);
        }
    }

    private Activation activation() {
        String key = family.isGemma() ? "hidden_activation" : "hidden_act";
        String activation = json.text(key).orElse(family.isGemma() ? "gelu_pytorch_tanh" : "silu");
        return switch (activation) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh" -> Activation.GELU_TANH;
            default -> throw json.fault(
                    key + " \"" + Printable.cut(activation)
                            + "\" is not supported; supported are silu and gelu_pytorch_tanh.");
        };
    }

    private Attention attention(int headDim, RopeReader reader, Rope full) {
        if (json.flag("use_bidirectional_attention").orElse(false)) {
            throw json.fault("use_bidirectional_attention is not supported; a decoder's tokens see earlier ones only.");
        }
        double softcap = family.isGemma() ? softcap("attn_logit_softcapping", 50) : 0;
        if (softcap > 0 && family == ModelFamily.GEMMA3_TEXT) {
            throw json.fault("attn_logit_softcapping " + softcap + " is not supported for " + family + ".");
        }
        int scaledBy = family.isGemma() ? positive("query_pre_attn_scalar", 256) : headDim;
        return new Attention(1 / Math.sqrt(scaledBy), softcap, layers(reader, full));
    }

    private List<Layer> layers(RopeReader reader, Rope full) {
        Rope sliding = family == ModelFamily.GEMMA3_TEXT ? reader.ofKind(SLIDING) : full;
        int window = slidingWindow();
        List<Layer> layers = new ArrayList<>();
        for (String type : layerTypes(window)) {
            boolean slides = type.equals(SLIDING);
            if (slides && window == 0) {
                throw json.fault("layer_types has layers with " + SLIDING
                        + ", but sliding_window is null or use_sliding_window false; say how wide the window is.");
            }
            layers.add(new Layer(slides ? window : 0, turns(layers.size()) ? slides ? sliding : full : null));
        }
        return layers;
    }

    /** Whether the layer has rotary embedding at all. */
    private boolean turns(int layer) {
        if (family != ModelFamily.SMOLLM3) {
            return true;
        }
        Optional<JsonNode> given = json.value("no_rope_layers");
        if (given.isEmpty()) {
            return (layer + 1) % positive("no_rope_layer_interval", 4) != 0;
        }
        if (!given.get().isArray() || given.get().size() <= layer) {
            throw json.fault("no_rope_layers must have an entry for each of the layers, not "
                    + JsonFile.printable(given.get()) + ".");
        }
        return given.get().get(layer).asInt() != 0;
    }

    /** The window of those layers that have one, 0 for none. */
    private int slidingWindow() {
        if (family == ModelFamily.LLAMA || family == ModelFamily.OLMO2
                || family.isQwen() && !json.flag("use_sliding_window").orElse(false)) {
            return 0;
        }
        return json.has("sliding_window") ? positive("sliding_window", 0) : family.slidingWindow;
    }

    /**
     * As transformers has them: where the configuration class knows layer_types they decide, whatever
     * use_sliding_window says; the other classes keep them and go by sliding_window alone.
     */
    private List<String> layerTypes(int window) {
        int layers = limited("num_hidden_layers", positive("num_hidden_layers", family.layers), MOST_LAYERS);
        List<String> types = new ArrayList<>();
        if (family.hasLayerTypes()) {
            json.array("layer_types").ifPresent(given -> given.forEach(type -> types.add(type.asText())));
        }
        if (types.isEmpty()) {
            for (int layer = 0; layer < layers; layer++) {
                types.add((window > 0 || family.isGemma()) && slides(layer) ? SLIDING : FULL);
            }
        }
        if (types.size() != layers) {
            throw json.fault("layer_types must have one entry for each of the " + layers + " layers, not "
                    + types.size() + ".");
        }
        if (!Set.of(FULL, SLIDING).containsAll(types)) {
            throw json.fault("layer_types " + Printable.cut(new TreeSet<>(types).toString())
                    + " are not supported; supported are [" + FULL + ", " + SLIDING + "].");
        }
        return types;
    }

    private boolean slides(int layer) {
        return switch (family) {
            case QWEN2, QWEN3 -> layer >= json.integer("max_window_layers").orElse(28);
            case GEMMA2 -> layer % 2 == 0;
            case GEMMA3_TEXT -> (layer + 1) % slidingPattern() != 0;
            case SMOLLM3 -> json.flag("use_sliding_window").orElse(false) && !turns(layer);
            default -> true;
        };
    }

    /** Every so many layers one is without a window. */
    private int slidingPattern() {
        return json.positive("sliding_window_pattern").or(() -> json.positive("_sliding_window_pattern")).orElse(6);
    }
}
