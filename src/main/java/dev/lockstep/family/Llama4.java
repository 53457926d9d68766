package dev.lockstep.family;

import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.Rope;
import dev.lockstep.model.TensorNames;

/**
 * Llama 4: each token goes through one expert, besides one for all; some layers do not turn, and queries and keys of the others
 * are normed without a weight. From some position on queries of the former grow, and the others see no more than a piece of
 * the text; rows end there.
 */
final class Llama4 implements Family {
    private static final TensorNames NAMES = TensorNames.of("feed_forward.router", "mlp.gate",
            "feed_forward.shared_expert",
            "mlp.shared_expert", "feed_forward.experts.gate_up_proj", "mlp.experts.gate_up_proj.weight",
            "feed_forward.experts.down_proj", "mlp.experts.down_proj.weight", "feed_forward", "mlp");
    private static final Map<String, String> KEYS = Map.of("intermediate_size", "intermediate_size_mlp");
    private static final int EXPERT_WIDTH = 8192;
    private static final int PIECE = 8192;

    @Override
    public String name() {
        return "llama4_text";
    }

    @Override
    public String architecture() {
        return "Llama4ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(48, 5120, 40, 8, 128, 16384, 202048, 131072, 1e-5, 500_000, false);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        if (file.flag("use_qk_norm", true)) {
            draft.qkNorm(QkNorm.TURNED_WITHOUT_WEIGHT);
        }
        Rope rope = file.rope();
        IntPredicate turns = SmolLm3.turns(file);
        draft.layers(rope, IntStream.range(0, file.layers())
                .mapToObj(layer -> new Layer(0, turns.test(layer) ? rope : null)).toList());
        int perToken = file.positive("num_experts_per_tok", 1);
        if (perToken != 1) {
            throw file.fault("num_experts_per_tok " + perToken + " is not supported for model_type " + name()
                    + "; supported is 1.");
        }
        int width = file.json().positive("intermediate_size").orElse(EXPERT_WIDTH);
        Experts experts = file.experts(16, 1, width, false).withShared(width, false).ofScaledInput();
        draft.experts(experts.withPlain(plainLayers(file)));
        draft.stored(new Stored(false, false, true, 1, 1, NAMES));
        int piece = file.positive("attention_chunk_size", PIECE);
        draft.longest(file.flag("attn_temperature_tuning", true)
                ? Math.min(piece, file.positive("floor_scale", PIECE) - 1)
                : piece);
    }

    private static Set<Integer> plainLayers(ConfigFile file) {
        int step = file.positive("interleave_moe_layer_step", 1);
        Optional<JsonNode> given = file.json().array("moe_layers");
        Set<Integer> named = new HashSet<>();
        given.ifPresent(layers -> layers.forEach(layer -> named.add(layer.asInt())));
        IntPredicate mixed = layer -> given.isPresent() ? named.contains(layer) : (layer + 1) % step == 0;
        return IntStream.range(0, file.layers()).filter(mixed.negate()).boxed().collect(Collectors.toSet());
    }
}
