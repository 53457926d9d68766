package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.TensorNames;

/** OPT: learned positions, which begin at the third row, and layer norms. */
final class Opt implements Family {
    private static final Map<String, String> KEYS = Map.of("intermediate_size", "ffn_dim", "hidden_act",
            "activation_function", "rms_norm_eps", "none", "num_key_value_heads", "none");
    private static final TensorNames NAMES = TensorNames.of("model.decoder.layers.", "model.layers.", "decoder.layers.",
            "model.layers.", "model.decoder.embed_tokens", "model.embed_tokens", "decoder.embed_tokens",
            "model.embed_tokens", "model.decoder.embed_positions", "model.embed_positions", "decoder.embed_positions",
            "model.embed_positions", "model.decoder.final_layer_norm", "model.norm", "decoder.final_layer_norm",
            "model.norm", "out_proj", "o_proj", "fc1", "mlp.up_proj", "fc2", "mlp.down_proj", "self_attn_layer_norm",
            "input_layernorm", "final_layer_norm", "post_attention_layernorm");

    @Override
    public String name() {
        return "opt";
    }

    @Override
    public String architecture() {
        return "OPTForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(12, 768, 12, 0, 0, 3072, 50272, 2048, 1e-5, 10_000, true);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        if (!file.flag("do_layer_norm_before", true) || file.flag("_remove_final_layer_norm", false)
                || file.positive("word_embed_proj_dim", file.hidden()) != file.hidden()) {
            throw file.fault(
                    "do_layer_norm_before false, _remove_final_layer_norm true and a word_embed_proj_dim of another "
                            + "size than hidden_size are not supported.");
        }
        boolean bias = file.flag("enable_bias", true);
        draft.biases(bias, bias, bias);
        draft.layerNorms(true, Residual.IN_TURN);
        draft.activation(file.activationAlone("relu"));
        draft.layersWithoutRotation();
        draft.ends(new Ends(file.positions() + 2, 2, false));
        draft.names(NAMES);
    }
}
