package dev.lockstep.family;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Printable;
import dev.lockstep.model.DType;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.Routing;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.Rope;

/** A {@code config.json} as the configuration classes of transformers read it, or what cannot be accepted of it. */
final class ConfigFile {
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";

    /** Ten times as many as the deepest models have. */
    private static final int MOST_LAYERS = 10_000;
    /** Ten times as many as models have. */
    private static final int MOST_EXPERTS = 10_000;
    private static final int LARGEST_SIZE = 1 << 26;

    private final JsonFile json;
    private final Family family;
    private final int hidden;
    private final int heads;
    private final int headDim;
    private final int layers;
    private final RopeReader ropes;

    ConfigFile(JsonFile json, Family family) {
        this.json = json;
        this.family = family;
        this.hidden = size("hidden_size", defaults().hidden());
        this.heads = size("num_attention_heads", defaults().heads());
        this.headDim = readHeadDim();
        this.layers = limited("num_hidden_layers", positive("num_hidden_layers", defaults().layers()), MOST_LAYERS);
        this.ropes = new RopeReader(json, family, headDim);
        if (json.flag("use_bidirectional_attention").orElse(false)) {
            throw json.fault("use_bidirectional_attention is not supported; a decoder's tokens see earlier ones only.");
        }
    }

    Defaults defaults() {
        return family.defaults();
    }

    int hidden() {
        return hidden;
    }

    int heads() {
        return heads;
    }

    int headDim() {
        return headDim;
    }

    int layers() {
        return layers;
    }

    /** What the file says how many there may be. */
    int positions() {
        return ropes.positions();
    }

    boolean has(String key) {
        return json.has(family.key(key));
    }

    boolean flag(String key, boolean absent) {
        return json.flag(family.key(key)).orElse(absent);
    }

    int integer(String key, int absent) {
        return json.integer(family.key(key)).orElse(absent);
    }

    int positive(String key, int absent) {
        return json.positive(family.key(key)).orElse(absent);
    }

    /** A number above 0 by which something is multiplied or divided. */
    double factor(String key, double absent) {
        double factor = json.number(family.key(key)).orElse(absent);
        if (factor <= 0) {
            throw json.fault(family.key(key) + " must be above 0, not " + factor + ".");
        }
        return factor;
    }

    ModelException fault(String sentence) {
        return json.fault(sentence);
    }

    /** A number that is multiplied with others: beyond any model, but products of two fit into 64 bits. */
    int size(String key, int absent) {
        return limited(key, positive(key, absent), LARGEST_SIZE);
    }

    private int limited(String key, int value, int most) {
        if (value > most) {
            throw json.fault(family.key(key) + " must be at most " + most + ", not " + value + ".");
        }
        return value;
    }

    int kvHeads() {
        boolean asManyAsHeads = defaults().kvHeads() == 0 || has("num_key_value_heads");
        int kvHeads = size("num_key_value_heads", asManyAsHeads ? heads : defaults().kvHeads());
        if (heads % kvHeads != 0) {
            throw json.fault(family.key("num_attention_heads") + " " + heads + " must be a multiple of "
                    + family.key("num_key_value_heads") + " " + kvHeads + ".");
        }
        return kvHeads;
    }

    private int readHeadDim() {
        Optional<Integer> given = json.positive("head_dim");
        int absent = defaults().headDim();
        if (given.isEmpty() && absent == 0 && hidden % heads != 0) {
            throw json.fault(family.key("hidden_size") + " " + hidden + " must be a multiple of "
                    + family.key("num_attention_heads") + " " + heads + " where head_dim is not given.");
        }
        int width = given.orElse(absent == 0 ? hidden / heads : absent);
        if ((long) limited("head_dim", width, LARGEST_SIZE) * heads > LARGEST_SIZE) {
            throw json.fault(
                    family.key("num_attention_heads") + " " + heads + " of " + width + " dimensions each are more than "
                            + LARGEST_SIZE + ".");
        }
        if (width % 2 != 0) {
            throw json.fault("a head's width must be even for rotary embedding, not " + width + ".");
        }
        return width;
    }

    double eps(String key) {
        double eps = json.number(family.key(key)).orElse(defaults().eps());
        if (eps < 0) {
            throw json.fault(family.key(key) + " must be 0 or more, not " + eps + ".");
        }
        return eps;
    }

    DType dtype() {
        return dtype(json);
    }

    static DType dtype(JsonFile json) {
        String key = json.value("dtype").isPresent() ? "dtype" : "torch_dtype";
        try {
            return DType.parse(json.text(key).orElse("float32"));
        } catch (IllegalArgumentException e) {
            throw json.fault(key + " " + e.getMessage() + ".", e);
        }
    }

    /**
     * That of an MLP without a gate.
     *
     * @param absent the name of the one that there is where the file names none
     */
    Activation activationAlone(String absent) {
        String key = family.key("hidden_act");
        String activation = json.text(key).orElse(absent);
        return switch (activation) {
            case "gelu" -> Activation.GELU_ALONE;
            case "gelu_pytorch_tanh", "gelu_new", "gelu_fast" -> Activation.GELU_TANH_ALONE;
            case "relu" -> Activation.RELU_ALONE;
            case "relu2" -> Activation.SQUARED_RELU_ALONE;
            case "xielu" -> Activation.XIELU_ALONE;
            default -> throw json.fault(key + " \"" + Printable.cut(activation) + "\" is not supported; supported are "
                    + "gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu and relu2.");
        };
    }

    /** @param absent the name of the one that there is where the file names none */
    Activation activation(String key, String absent) {
        String activation = json.text(key).orElse(absent);
        return switch (activation) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh" -> Activation.GELU_TANH;
            default -> throw json.fault(
                    key + " \"" + Printable.cut(activation)
                            + "\" is not supported; supported are silu and gelu_pytorch_tanh.");
        };
    }

    /** A cap that may be null, for none, and must be above 0 otherwise. */
    double softcap(String key, double absent) {
        Optional<Double> given = json.number(key);
        if (given.isPresent() && given.get() <= 0) {
            throw json.fault(key + " must be above 0, not " + given.get() + ".");
        }
        return given.orElse(json.has(key) ? 0 : absent);
    }

    /** The rotary embedding of layers that are all alike. */
    Rope rope() {
        return ropes.rope();
    }

    /** The rotary embedding of layers with a window, or of those without, where each has its own. */
    Rope rope(boolean windowed) {
        return ropes.ofKind(windowed ? SLIDING : FULL);
    }

    /** The window of those layers that have one, 0 for none; the file may say null. */
    int window(int absent) {
        return json.has("sliding_window") ? positive("sliding_window", 0) : absent;
    }

    /** Layers that are all alike. */
    List<Layer> alike(int window, @Nullable Rope rope) {
        return Collections.nCopies(layers, new Layer(window, rope));
    }

    /**
     * Layers of which some have a window: those that {@code layer_types} says, or else those that slide by the family's rule.
     *
     * @param window  0 where none has one
     * @param sliding the rotary embedding of each of them, or null
     */
    List<Layer> layers(int window, IntPredicate slides, IntFunction<@Nullable Rope> sliding,
            IntFunction<@Nullable Rope> full) {
        List<Layer> all = new ArrayList<>();
        for (String type : layerTypes(slides)) {
            boolean windowed = type.equals(SLIDING);
            if (windowed && window == 0) {
                throw json.fault("layer_types has layers with " + SLIDING
                        + ", but sliding_window is null or use_sliding_window false; say how wide the window is.");
            }
            all.add(windowed ? new Layer(window, sliding.apply(all.size())) : new Layer(0, full.apply(all.size())));
        }
        return all;
    }

    private List<String> layerTypes(IntPredicate slides) {
        List<String> types = new ArrayList<>();
        json.array("layer_types").ifPresent(given -> given.forEach(type -> types.add(type.asText())));
        if (types.isEmpty()) {
            for (int layer = 0; layer < layers; layer++) {
                types.add(slides.test(layer) ? SLIDING : FULL);
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

    /**
     * A mixture of experts.
     *
     * @param count    experts of a layer, where the file does not say it
     * @param perToken so many of them, likewise
     * @param width    of each
     */
    Experts experts(int count, int perToken, int width, boolean normalized) {
        int all = limited("num_experts", positive("num_local_experts", positive("num_experts", count)), MOST_EXPERTS);
        int chosen = positive("num_experts_per_tok", perToken);
        if (chosen > all) {
            throw json.fault("num_experts_per_tok " + chosen + " is more than the " + all + " experts that there are.");
        }
        int step = positive("decoder_sparse_step", 1);
        int first = integer("first_k_dense_replace", 0);
        Set<Integer> plain = new HashSet<>();
        json.array("mlp_only_layers").ifPresent(given -> given.forEach(layer -> plain.add(layer.asInt())));
        for (int layer = 0; layer < layers; layer++) {
            if (layer < first || (layer + 1) % step != 0) {
                plain.add(layer);
            }
        }
        return new Experts(all, width, Routing.softmax(chosen, normalized), 0, false, false, false, false, false,
                false, plain);
    }

    /** Those of a mixture that go by sigmoids, of some groups of all. */
    Experts bySigmoids(Experts experts, int groups, int chosenGroups) {
        Routing routing = experts.routing();
        int all = positive("n_group", groups);
        int chosen = positive("topk_group", chosenGroups);
        if (experts.count() % all != 0 || experts.count() / all < 2 && all > 1 || chosen > all
                || routing.perToken() > experts.count() / all * chosen) {
            throw json.fault("n_group " + all + " and topk_group " + chosen + " do not go with " + experts.count()
                    + " experts, " + routing.perToken() + " for each token.");
        }
        return experts.with(new Routing(routing.perToken(), true, routing.normalized(), all, chosen,
                factor("routed_scaling_factor", 1)));
    }

    /** The file itself, for what one family alone has in it. */
    JsonFile json() {
        return json;
    }
}
