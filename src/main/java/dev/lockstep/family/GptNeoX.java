package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** GPT-NeoX and Pythia: layer norms, and attention beside the MLP. */
final class GptNeoX implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_eps", "partial_rotary_factor",
            "rotary_pct", "rope_theta", "rotary_emb_base", "num_key_value_heads", "none");
    private static final TensorNames NAMES = TensorNames.of("gpt_neox.layers.", "model.layers.", "gpt_neox.embed_in",
            "model.embed_tokens", "gpt_neox.final_layer_norm", "model.norm", "embed_out", "lm_head",
            "attention.query_key_value", "self_attn.qkv_proj", "attention.dense", "self_attn.o_proj", "dense_h_to_4h",
            "up_proj", "dense_4h_to_h", "down_proj");

    @Override
    public String name() {
        return "gpt_neox";
    }

    @Override
    public String architecture() {
        return "GPTNeoXForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(44, 6144, 64, 0, 0, 24576, 50432, 2048, 1e-5, 10_000, false);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public RopeForm ropeForm() {
        return RopeForm.partial(0.25);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", true);
        draft.biases(bias, bias, true);
        draft.layerNorms(true, file.flag("use_parallel_residual", true) ? Residual.PARALLEL : Residual.IN_TURN);
        draft.activation(file.activationAlone("gelu"));
        draft.stored(new Stored(true, false, false, 1, 1, NAMES, file.heads(), false, false));
    }
}
