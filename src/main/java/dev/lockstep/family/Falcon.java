package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** Falcon with rotary embedding: layer norms, and attention beside the MLP. */
final class Falcon implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_epsilon", "intermediate_size",
            "ffn_hidden_size", "hidden_act", "activation", "num_key_value_heads", "none");
    private static final TensorNames NAMES = TensorNames.of("transformer.h.", "model.layers.",
            "transformer.word_embeddings", "model.embed_tokens", "transformer.ln_f", "model.norm",
            "self_attention.query_key_value", "self_attn.qkv_proj", "self_attention.dense", "self_attn.o_proj",
            "dense_h_to_4h", "up_proj", "dense_4h_to_h", "down_proj", "ln_attn", "input_layernorm", "ln_mlp",
            "post_attention_layernorm");

    @Override
    public String name() {
        return "falcon";
    }

    @Override
    public String architecture() {
        return "FalconForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4544, 71, 0, 0, 0, 65024, 2048, 1e-5, 10_000, true);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        if (file.flag("alibi", false)) {
            throw file.fault("alibi true is not supported; supported are models with rotary embedding.");
        }
        boolean bias = file.flag("bias", false);
        draft.biases(bias, bias, bias);
        boolean newer = file.flag("new_decoder_architecture", false);
        boolean twoNorms = newer && file.positive("num_ln_in_parallel_attn", 2) == 2;
        boolean parallel = newer || file.flag("parallel_attn", true);
        draft.layerNorms(true, twoNorms
                ? Residual.PARALLEL
                : parallel ? Residual.PARALLEL_WITH_ONE_NORM : Residual.IN_TURN);
        draft.activation(file.activationAlone("gelu"));
        int groups = groups(file, newer);
        draft.kvHeads(groups);
        draft.stored(new Stored(true, false, false, 1, 1, NAMES, groups, false, false));
    }

    private static int groups(ConfigFile file, boolean newer) {
        if (newer) {
            return file.positive("num_kv_heads", file.heads());
        }
        return file.flag("multi_query", true) ? 1 : file.heads();
    }
}
