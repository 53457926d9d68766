package dev.lockstep.family;

import java.util.Map;
import java.util.Set;

import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** GPT-2: learned positions, layer norms, and projections that are stored the other way round. */
final class Gpt2 implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_epsilon", "intermediate_size",
            "n_inner", "hidden_act", "activation_function", "hidden_size", "n_embd", "num_hidden_layers", "n_layer",
            "num_attention_heads", "n_head", "max_position_embeddings", "n_positions", "num_key_value_heads", "none");
    private static final TensorNames NAMES = TensorNames.of("transformer.h.", "model.layers.", "h.", "model.layers.",
            "transformer.wte", "model.embed_tokens", "wte", "model.embed_tokens", "transformer.wpe",
            "model.embed_positions", "wpe", "model.embed_positions", "transformer.ln_f", "model.norm", "ln_f",
            "model.norm", "attn.c_attn", "self_attn.qkv_proj", "attn.c_proj", "self_attn.o_proj", "c_fc", "up_proj",
            "c_proj", "down_proj", "ln_1", "input_layernorm", "ln_2", "post_attention_layernorm");

    @Override
    public String name() {
        return "gpt2";
    }

    @Override
    public String architecture() {
        return "GPT2LMHeadModel";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(12, 768, 12, 0, 0, 0, 50257, 1024, 1e-5, 10_000, true);
    }

    @Override
    public Set<String> architectures() {
        return Set.of(architecture(), "GPT2Model");
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        if (file.flag("scale_attn_by_inverse_layer_idx", false) || !file.flag("scale_attn_weights", true)) {
            throw file.fault(
                    "scale_attn_by_inverse_layer_idx and scale_attn_weights are not supported but for false and true.");
        }
        draft.biases(true, true, true);
        draft.layerNorms(true, Residual.IN_TURN);
        draft.activation(file.activationAlone("gelu_new"));
        draft.layersWithoutRotation();
        draft.ends(new Ends(file.positions(), 0, false));
        draft.stored(new Stored(true, false, false, 1, 1, NAMES, 0, true, false));
    }
}
